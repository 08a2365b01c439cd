using System.Text.Json.Serialization;

namespace EventStream.Contracts;

/// <summary>
/// The source-generated serializers of every message: camel case, nulls left out, unknown members ignored.
/// </summary>
[JsonSourceGenerationOptions(
    PropertyNamingPolicy = JsonKnownNamingPolicy.CamelCase,
    DefaultIgnoreCondition = JsonIgnoreCondition.WhenWritingNull
)]
[JsonSerializable(typeof(ForecastPublished))]
[JsonSerializable(typeof(ScaleDecided))]
[JsonSerializable(typeof(SteeringDecided))]
[JsonSerializable(typeof(ProbeSource))]
[JsonSerializable(typeof(EncodeRung))]
[JsonSerializable(typeof(EncodeAudio))]
[JsonSerializable(typeof(MakeThumbnails))]
[JsonSerializable(typeof(MakeSubtitles))]
[JsonSerializable(typeof(EncodeHighRange))]
[JsonSerializable(typeof(SourceProbed))]
[JsonSerializable(typeof(SourceRejected))]
[JsonSerializable(typeof(EncodePlanned))]
[JsonSerializable(typeof(EncodeTaskStarted))]
[JsonSerializable(typeof(EncodeTaskProgressed))]
[JsonSerializable(typeof(RenditionEncoded))]
[JsonSerializable(typeof(ThumbnailsMade))]
[JsonSerializable(typeof(SubtitlesMade))]
[JsonSerializable(typeof(EncodeTaskFailed))]
[JsonSerializable(typeof(EncodeCompleted))]
[JsonSerializable(typeof(EncodeTaskResent))]
[JsonSerializable(typeof(EncodeTaskFinished))]
[JsonSerializable(typeof(EncodeStopped))]
[JsonSerializable(typeof(BeaconReceived))]
[JsonSerializable(typeof(CdnRequestServed))]
[JsonSerializable(typeof(SessionUpdated))]
[JsonSerializable(typeof(SessionFinished))]
[JsonSerializable(typeof(QoeWindowClosed))]
[JsonSerializable(typeof(QoeAlertRaised))]
[JsonSerializable(typeof(LoadMeasured))]
[JsonSerializable(typeof(RecordDeadLettered))]
[JsonSerializable(typeof(OperatorActed))]
[JsonSerializable(typeof(VideoRegistered))]
[JsonSerializable(typeof(VideoUploaded))]
[JsonSerializable(typeof(VideoProbed))]
[JsonSerializable(typeof(VideoEncodePlanned))]
[JsonSerializable(typeof(VideoRenditionEncoded))]
[JsonSerializable(typeof(VideoPlayable))]
[JsonSerializable(typeof(VideoThumbnailsMade))]
[JsonSerializable(typeof(VideoThumbnailsMissing))]
[JsonSerializable(typeof(VideoSubtitlesMade))]
[JsonSerializable(typeof(VideoCaptionsSet))]
[JsonSerializable(typeof(VideoCaptionsRemoved))]
[JsonSerializable(typeof(VideoPublished))]
[JsonSerializable(typeof(VideoRejected))]
[JsonSerializable(typeof(VideoEncodeFailed))]
[JsonSerializable(typeof(StreamTombstoned))]
public sealed partial class ContractsJson : JsonSerializerContext;
