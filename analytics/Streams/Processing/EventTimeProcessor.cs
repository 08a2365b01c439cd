using System.Globalization;
using System.Text;
using Confluent.Kafka;
using EventStream.Contracts;
using EventStream.Messaging.Kafka;
using EventStream.Streams.State;
using Microsoft.Extensions.Logging;
using Streamiz.Kafka.Net.Processors;
using Streamiz.Kafka.Net.Processors.Public;

namespace EventStream.Streams;

/// <summary>
/// Runs the processors of a task in event time. It keeps stream time across restarts, calls punctuations before the
/// record that passes their boundary, lets time go on with the wall clock where all input is read, and sends what
/// cannot be read to the dead letters in the transaction of its offset.
/// </summary>
internal sealed partial class EventTimeProcessor<TIn> : ITransformer<string, Batch<TIn>, string, object>, ITaskContext
{
    private const string TimeKey = "stream-time";
    private static readonly TimeSpan IdleCheck = TimeSpan.FromMilliseconds(250);
    private readonly List<(TimeSpan Interval, Action<DateTimeOffset> Action)> punctuations = [];
    private readonly StepSpec<TIn> spec = null!;
    private readonly List<Processor<TIn>> processors = [];
    private ProcessorContext<string, object> context = null!;
    private TypedKeyValueStore<string, long> clock = null!;
    private string task = "";
    private ConsumeResult<byte[], byte[]>? current;
    private string? traceParent;
    private DateTimeOffset? lastRecord;
    private int outputs;
    private bool started;

    /// <summary>The library makes one without arguments, and never uses it.</summary>
    public EventTimeProcessor() { }

    public EventTimeProcessor(StepSpec<TIn> spec)
    {
        this.spec = spec;
        processors.AddRange(spec.Processors.Select(create => create()));
    }

    public int Partition { get; private set; }

    public int Partitions => spec.Scope.Partitions.GetValueOrDefault(spec.Topics[0], 1);

    public DateTimeOffset StreamTime { get; private set; } = DateTimeOffset.MinValue;

    public void Init(ProcessorContext<string, object> context)
    {
        this.context = context;
        Partition = context.Id.Partition;
        task = $"{context.Id.Id}_{Partition}";
        spec.Scope.Opened(task);
        // State is not restored yet, and the library also calls this punctuation before it is.
        context.Schedule(IdleCheck, PunctuationType.PROCESSING_TIME, _ => AdvanceIdle());
    }

    public Record<string, object> Process(Record<string, Batch<TIn>> record)
    {
        var (headers, stamp) = (context.Headers, context.Timestamp);
        var records = record.Value.Records(
            record.Key ?? "",
            record.TopicPartitionOffset,
            DateTimeOffset.FromUnixTimeMilliseconds(stamp)
        );
        try
        {
            StartOnce();
            foreach (var one in records)
                Process(one);
        }
        catch (Exception e)
        {
            // Half a record must not be committed, which the library would do as it shuts down.
            spec.Scope.Fail(e);
            throw;
        }

        context.SetHeaders(headers);
        context.ChangeTimestamp(stamp);
        spec.Scope.Counts.AddProcessed(records.Count);
        return null!;
    }

    public void Close() => spec.Scope.Closed(task);

    public TStore Store<TStore>(string name)
        where TStore : class, IStateStore =>
        context.GetStateStore(name) as TStore
        ?? throw new StreamException($"Task {task} has no {typeof(TStore).Name} called '{name}'.");

    public void SchedulePunctuation(TimeSpan interval, Action<DateTimeOffset> action) =>
        punctuations.Add((interval, action));

    public void CountLate(string what) => spec.Scope.Counts.AddLate(task, what);

    public void Forward(string key, object value, DateTimeOffset time)
    {
        context.SetHeaders(HeadersOf(value, time));
        context.ChangeTimestamp(Math.Max(0, time.ToUnixTimeMilliseconds()));
        outputs++;
        context.Forward(key, value);
    }

    private void Process(StreamRecord<TIn> record)
    {
        if (record.Error is { } error)
        {
            Begin(record.Raw, record.TraceParent);
            DeadLetterOf(record.Raw, error);
            return;
        }

        Begin(null, null);
        Advance(record.Time);
        Begin(record.Raw, record.TraceParent);
        foreach (var processor in processors)
            processor.Receive(record);
        lastRecord = StreamTime;
    }

    /// <summary>The letter belongs to the same transaction as the record's offset.</summary>
    private void DeadLetterOf(ConsumeResult<byte[], byte[]> record, Exception cause)
    {
        spec.Scope.Counts.AddBad(record.Topic);
        Unreadable(spec.Scope.Logger, record.TopicPartitionOffset, cause.Message);
        var (application, now) = (spec.Scope.Options.ApplicationId, spec.Scope.Clock.GetUtcNow());
        var letter = DeadLetter.Of(application, record, cause.Message, cause, attempts: 1, now);
        Forward(record.Topic, letter, letter.At);
    }

    private Headers HeadersOf(object value, DateTimeOffset time)
    {
        if (value is IMessage message)
        {
            return CloudEvents.Headers(
                MessageTypes.NameOf(message.GetType()),
                $"/eventstream/{spec.Scope.Options.ApplicationId}",
                message is RecordDeadLettered letter ? DeadLetter.IdOf(letter) : OriginId(),
                time,
                traceParent
            );
        }

        var headers = new Headers();
        if (traceParent is not null)
            headers.Add(CloudEvents.TraceParent, Encoding.UTF8.GetBytes(traceParent));
        return headers;
    }

    /// <summary>
    /// The id of the next output: made of the record in hand, or of the moment of the punctuation, so that a figure can
    /// be followed to the record behind it.
    /// </summary>
    private string OriginId()
    {
        var start = $"{spec.Scope.Options.ApplicationId}/{task}";
        return current is { } at
            ? string.Create(
                CultureInfo.InvariantCulture,
                $"{start}/{at.Topic}/{at.Partition.Value}/{at.Offset.Value}/{outputs}"
            )
            : string.Create(CultureInfo.InvariantCulture, $"{start}/{StreamTime.ToUnixTimeMilliseconds()}/{outputs}");
    }

    private void Begin(ConsumeResult<byte[], byte[]>? record, string? trace) =>
        (current, traceParent, outputs) = (record, trace, 0);

    private void AdvanceIdle()
    {
        if (spec.Scope.Idle.Of(spec.Topics, Partition, lastRecord) is not { } time)
            return;
        try
        {
            StartOnce();
            Begin(null, null);
            Advance(time);
        }
        catch (Exception e)
        {
            spec.Scope.Fail(e);
            throw;
        }

        // The library commits a task only for records; without them it has to be asked.
        if (outputs > 0)
            context.Commit();
    }

    private void Advance(DateTimeOffset time)
    {
        if (time <= StreamTime)
            return;
        var before = StreamTime;
        StreamTime = time;
        clock.Put(TimeKey, time.ToUnixTimeMilliseconds());
        if (before == DateTimeOffset.MinValue)
            return;
        foreach (var (interval, action) in punctuations)
        {
            if (EventTime.StartOf(time, interval) > before)
                action(time);
        }
    }

    private void StartOnce()
    {
        if (started)
            return;
        started = true;
        clock = Store<TypedKeyValueStore<string, long>>(spec.Clock);
        if (clock.TryGet(TimeKey, out var ms))
            StreamTime = DateTimeOffset.FromUnixTimeMilliseconds(ms);
        foreach (var processor in processors)
            processor.Start(this);
    }

    [LoggerMessage(Level = LogLevel.Warning, Message = "Record {Record} cannot be read: {Cause}")]
    private static partial void Unreadable(ILogger logger, TopicPartitionOffset record, string cause);
}
