using EventStream.Console.Live;
using EventStream.Console.SignIn;
using EventStream.Hosting.Access;
using EventStream.Hosting.OpenApi;

namespace EventStream.Console;

/// <summary>
/// The reads behind the pages, and who may read. Anyone, as at Playback itself: viewers have no key.
/// <code>
/// POST /api/videos/{id}/sessions                                 Playback
/// </code>
/// Everyone who is signed in:
/// <code>
/// GET  /api/videos, /api/videos/{id}, /api/videos/{id}/events    Upload, on behalf of the user
/// GET  /api/sessions/{id}                                        Qoe
/// GET  /api/edges                                                Traffic
/// </code>
/// Publishers and operators: <c>/api/uploads</c>, the upload page's tus requests; scripts go to Upload itself.
/// Analysts and operators:
/// <code>
/// GET  /api/jobs                                                 the encode planner
/// GET  /api/forecasts/{resource}, /api/decisions                 Capacity
/// GET  /api/processes, /api/scale/{target}                       the supervisor
/// GET  /api/warehouse                                            Warehouse
/// POST /api/sql                                                  ClickHouse, read-only
/// GET  /api/live                                                 server-sent events of the operations page
/// </code>
/// </summary>
internal static class ConsoleApi
{
    public const string Prefix = "/api";

    private static readonly string[] TusMethods = ["POST", "HEAD", "PATCH", "DELETE", "OPTIONS"];

    /// <summary>Upload makes a chunk durable before it answers.</summary>
    private static readonly TimeSpan UploadQuietMax = TimeSpan.FromSeconds(100);

    public static void Map(IEndpointRouteBuilder routes)
    {
        var all = routes.MapGroup("").RequireAuthorization(Policies.ReadVideos);
        // A publisher sees its own videos; Upload knows which those are.
        Forward(all, "/api/videos", "upload", "/v1/videos", "The videos that the user may see.", forUser: true);
        Forward(all, "/api/videos/{id}", "upload", "/v1/videos/{id}", "What a video is now.", forUser: true);
        Forward(
            all,
            "/api/videos/{id}/events",
            "upload",
            "/v1/videos/{id}/events",
            "Every event of a video.",
            forUser: true
        );
        routes
            .MapPost(
                "/api/videos/{id}/sessions",
                (string id, HttpContext http, Gateway gateway) =>
                {
                    http.Request.ContentType = "application/json";
                    return gateway.ForwardAsync(http, "playback", $"/v1/videos/{Uri.EscapeDataString(id)}/sessions");
                }
            )
            .AllowAnonymous()
            .Describe("Opens a session. It is the answer of the role playback.", 404, 409, 429, 502)
            .Answers(201);
        Forward(all, "/api/sessions/{id}", "qoe", "/v1/sessions/{id}", "The live quality of a session.");
        Forward(all, "/api/edges", "traffic", "/v1/edges", "The edges with health, load and quality.");
        var analysts = routes.MapGroup("").RequireAuthorization(Policies.Analyse);
        Forward(analysts, "/api/jobs", "encode", "/v1/jobs", "The newest encode jobs.");
        Forward(analysts, "/api/forecasts/{id}", "capacity", "/v1/forecasts/{id}", "The last forecast of a resource.");
        Forward(analysts, "/api/decisions", "capacity", "/v1/decisions", "The latest scaling decisions.");
        Forward(analysts, "/api/processes", "supervisor", "/v1/processes", "The processes of the platform.");
        Forward(analysts, "/api/scale/{id}", "supervisor", "/v1/scale/{id}", "How many replicas a target has.");
        Forward(analysts, "/api/warehouse", "warehouse", "/v1/status", "Lag and rows of the warehouse.");
        analysts
            .MapGet("/api/live", LiveStream.Send)
            .Describe("Server-sent events of the operations page.", 429)
            .Answers(200, typeof(string), "text/event-stream");
        SqlApi.Map(routes);
        foreach (var route in (string[])[Prefix + "/uploads", Prefix + "/uploads/{id}"])
        {
            routes
                .MapMethods(route, TusMethods, ForwardUploadAsync)
                .RequireAuthorization(Policies.Publish)
                .Describe("An upload by tus, as the role upload takes it, for who is signed in.", 502)
                .Answers(200);
        }

        SessionApi.Map(routes);
    }

    private static Task ForwardUploadAsync(HttpContext http, Gateway gateway)
    {
        var path = "/v1" + http.Request.Path.Value![Prefix.Length..] + http.Request.QueryString;
        return gateway.ForwardAsync(http, "upload", path, http.Caller(), UploadQuietMax);
    }

    private static void Forward(
        IEndpointRouteBuilder routes,
        string route,
        string role,
        string path,
        string summary,
        bool forUser = false
    ) =>
        routes
            .MapGet(
                route,
                (HttpContext http, Gateway gateway) =>
                {
                    var id = http.Request.RouteValues["id"] as string ?? "";
                    var target = path.Replace("{id}", Uri.EscapeDataString(id), StringComparison.Ordinal);
                    return gateway.ForwardAsync(
                        http,
                        role,
                        target + http.Request.QueryString,
                        forUser ? http.Caller() : null
                    );
                }
            )
            .Describe($"{summary} It is the answer of the role {role}.", 404, 502)
            .Answers(200);
}
