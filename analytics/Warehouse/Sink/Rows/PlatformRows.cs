using System.Text;
using EventStream.Contracts;
using Column = ClickHouse.Driver.ClickHouseColumnAttribute;

namespace EventStream.Warehouse.Sink.Rows;

/// <summary>A row of <c>es.domain_events</c>: an event of a video as it was published.</summary>
public sealed class DomainEventRow(SinkRecord record) : StoredRow(record)
{
    [Column(Name = "video_id")]
    public string VideoId => Record.KeyText;

    [Column(Name = "type")]
    public string Type => Record.Type;

    [Column(Name = "time")]
    public DateTime Time => Utc(Record.Time);

    [Column(Name = "data")]
    public string Data => Encoding.UTF8.GetString(Record.Value);
}

/// <summary>A row of <c>es.load</c>.</summary>
public sealed class LoadRow(SinkRecord record, LoadMeasured load) : StoredRow(record)
{
    [Column(Name = "resource")]
    public string Resource => Text(load.Resource);

    [Column(Name = "time")]
    public DateTime Time => Utc(load.Time);

    [Column(Name = "step_seconds")]
    public double StepSeconds => Number(load.StepSeconds);

    [Column(Name = "value")]
    public double Value => Number(load.Value);

    [Column(Name = "peak")]
    public double? Peak => Known(load.Peak);

    [Column(Name = "unit")]
    public string Unit => Text(load.Unit);
}

/// <summary>A row of <c>es.forecasts</c>: one step of a forecast. Steps count from 1.</summary>
public sealed class ForecastRow(SinkRecord record, ForecastPublished forecast, int index) : StoredRow(record)
{
    private readonly ForecastStep step = Needed(forecast.Steps[index], "step");

    [Column(Name = "resource")]
    public string Resource => Text(forecast.Resource);

    [Column(Name = "origin")]
    public DateTime Origin => Utc(forecast.Origin);

    [Column(Name = "time")]
    public DateTime Time => Utc(step.Time);

    [Column(Name = "step")]
    public uint Step => (uint)index + 1;

    [Column(Name = "step_seconds")]
    public double StepSeconds => Number(forecast.StepSeconds);

    [Column(Name = "model")]
    public string Model => Text(forecast.Model);

    [Column(Name = "history_steps")]
    public uint HistorySteps => (uint)Math.Max(0, forecast.HistorySteps);

    [Column(Name = "weights")]
    public Dictionary<string, double> Weights => Numbers(forecast.Weights);

    [Column(Name = "q50")]
    public double Q50 => Number(step.Q50);

    [Column(Name = "q90")]
    public double Q90 => Number(step.Q90);

    [Column(Name = "q95")]
    public double Q95 => Number(step.Q95);

    [Column(Name = "q99")]
    public double Q99 => Number(step.Q99);
}

/// <summary>A row of <c>es.decisions</c>: a scaling or a steering decision; the other's columns are empty.</summary>
public sealed class DecisionRow : StoredRow
{
    private readonly ScaleDecided? scale;
    private readonly SteeringDecided? steering;

    public DecisionRow(SinkRecord record, ScaleDecided scale)
        : base(record) => this.scale = scale;

    public DecisionRow(SinkRecord record, SteeringDecided steering)
        : base(record) => this.steering = steering;

    [Column(Name = "kind")]
    public string Kind => scale is null ? "steering" : "scale";

    [Column(Name = "time")]
    public DateTime Time => Utc(scale?.Time ?? steering!.DecidedAt);

    [Column(Name = "target")]
    public string Target => Text(scale is null ? steering!.Policy : scale.Target);

    [Column(Name = "rule")]
    public string Rule => Text(scale is null ? steering!.Policy : scale.Rule);

    [Column(Name = "reason")]
    public string Reason => Text(scale is null ? steering!.Reason : scale.Reason);

    [Column(Name = "resource")]
    public string Resource => Text(scale?.Resource);

    [Column(Name = "current_replicas")]
    public int? CurrentReplicas => scale?.CurrentReplicas;

    [Column(Name = "desired_replicas")]
    public int? DesiredReplicas => scale?.DesiredReplicas;

    [Column(Name = "last_load")]
    public double? LastLoad => Known(scale?.LastLoad);

    [Column(Name = "forecast_load")]
    public double? ForecastLoad => Known(scale?.ForecastLoad);

    [Column(Name = "applied")]
    public bool? Applied => scale?.Applied;

    [Column(Name = "error")]
    public string? Error => scale?.Error;

    [Column(Name = "pathway_priority")]
    public string[] PathwayPriority => Texts(steering?.PathwayPriority);

    [Column(Name = "health")]
    public Dictionary<string, double> Health => Numbers(steering?.Health);
}

/// <summary>A row of <c>es.operator_actions</c>.</summary>
public sealed class OperatorActionRow(SinkRecord record, OperatorActed acted) : StoredRow(record)
{
    [Column(Name = "time")]
    public DateTime Time => Utc(acted.At);

    [Column(Name = "action")]
    public string Action => Text(acted.Action);

    [Column(Name = "target")]
    public string Target => Text(acted.Target);

    [Column(Name = "who")]
    public string Who => Text(acted.Who);

    [Column(Name = "role")]
    public string Role => Text(acted.Role);

    [Column(Name = "reason")]
    public string Reason => Text(acted.Reason);

    [Column(Name = "detail")]
    public string Detail => Text(acted.Detail);
}

/// <summary>A row of <c>es.dead_letters</c>.</summary>
public sealed class DeadLetterRow(SinkRecord record, RecordDeadLettered letter) : StoredRow(record)
{
    [Column(Name = "time")]
    public DateTime Time => Utc(letter.At);

    [Column(Name = "source_topic")]
    public string SourceTopic => Text(letter.Topic);

    [Column(Name = "source_partition")]
    public uint SourcePartition => (uint)Math.Max(0, letter.Partition);

    [Column(Name = "source_offset")]
    public long SourceOffset => letter.Offset;

    [Column(Name = "consumer_group")]
    public string ConsumerGroup => Text(letter.Group);

    [Column(Name = "type")]
    public string Type => Text(letter.Type);

    [Column(Name = "cause")]
    public string Cause => Text(letter.Cause);

    [Column(Name = "key_base64")]
    public string KeyBase64 => Text(letter.KeyBase64);

    [Column(Name = "value_base64")]
    public string ValueBase64 => Text(letter.ValueBase64);
}
