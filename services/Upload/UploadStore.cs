using System.Text.Json.Serialization;
using EventStream.Contracts;
using EventStream.EventStore;
using EventStream.EventStore.Relay;
using EventStream.Upload.Library;
using JasperFx.Events.Projections;

namespace EventStream.Upload;

/// <summary>What the upload service keeps, in the schema <c>upload</c>.</summary>
public static class UploadStore
{
    public static readonly ServiceStore Service = new(
        "upload",
        store =>
        {
            store.Aggregate<Video, VideoId>();
            store.Projections.Add(new VideoListProjection(), ProjectionLifecycle.Async);
            store
                .Schema.For<VideoListItem>()
                .DocumentAlias("video_list")
                .Index([item => item.Publisher, item => item.Id]);
        }
    )
    {
        Category = "video",
        Relay = RelayRoutes.All(Topics.VideoEvents),
        Documents = UploadDocuments.Default,
        Sql = (typeof(UploadStore).Assembly, "Upload.Sql"),
    };
}

/// <summary>The source-generated serializers of the documents.</summary>
[JsonSourceGenerationOptions(
    PropertyNamingPolicy = JsonKnownNamingPolicy.CamelCase,
    DefaultIgnoreCondition = JsonIgnoreCondition.WhenWritingNull
)]
[JsonSerializable(typeof(VideoListItem))]
internal sealed partial class UploadDocuments : JsonSerializerContext;
