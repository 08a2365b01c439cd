using EventStream.Console.Web.Live;
using EventStream.Hosting;

namespace EventStream.Console.Web;

/// <summary>
/// The reads behind the pages.
/// <code>
/// GET  /api/videos, /api/videos/{id}, /api/videos/{id}/events    Upload
/// POST /api/videos/{id}/sessions                                 Playback
/// GET  /api/sessions/{id}                                        Qoe
/// GET  /api/edges                                                Traffic
/// GET  /api/jobs                                                 the encode planner
/// GET  /api/forecasts/{resource}, /api/decisions                 Capacity
/// GET  /api/processes, /api/scale/{target}                       the supervisor
/// GET  /api/warehouse                                            Warehouse
/// POST /api/sql                                                  ClickHouse, read-only
/// GET  /api/live                                                 server-sent events of the operations page
/// GET  /api/settings                                             what a page needs to know of this installation
/// </code>
/// </summary>
internal static class ConsoleApi
{
    public static void Map(IEndpointRouteBuilder routes)
    {
        Forward(routes, "/api/videos", "upload", "/v1/videos");
        Forward(routes, "/api/videos/{id}", "upload", "/v1/videos/{id}");
        Forward(routes, "/api/videos/{id}/events", "upload", "/v1/videos/{id}/events");
        Forward(routes, "/api/sessions/{id}", "qoe", "/v1/sessions/{id}");
        Forward(routes, "/api/edges", "traffic", "/v1/edges");
        Forward(routes, "/api/jobs", "encode", "/v1/jobs");
        Forward(routes, "/api/forecasts/{id}", "capacity", "/v1/forecasts/{id}");
        Forward(routes, "/api/decisions", "capacity", "/v1/decisions");
        Forward(routes, "/api/processes", "supervisor", "/v1/processes");
        Forward(routes, "/api/scale/{id}", "supervisor", "/v1/scale/{id}");
        Forward(routes, "/api/warehouse", "warehouse", "/v1/status");
        routes.MapPost("/api/videos/{id}/sessions", (string id, HttpContext http, Gateway gateway) =>
            gateway.ForwardAsync(http, "playback", $"/v1/videos/{Uri.EscapeDataString(id)}/sessions"));
        routes.MapGet("/api/settings", Settings);
        routes.MapGet("/api/live", LiveStream.SendAsync);
        SqlApi.Map(routes);
    }

    private static void Forward(IEndpointRouteBuilder routes, string route, string role, string path) =>
        routes.MapGet(route, (HttpContext http, Gateway gateway) =>
        {
            var id = http.Request.RouteValues["id"] as string ?? "";
            var target = path.Replace("{id}", Uri.EscapeDataString(id), StringComparison.Ordinal);
            return gateway.ForwardAsync(http, role, target + http.Request.QueryString);
        });

    private static IResult Settings(IConfiguration configuration) => Results.Json(new
    {
        uploadsUrl = RoleAddresses.Url(configuration, "upload") + "/v1/uploads",
        clickHouseUrl = RoleAddresses.Url(configuration, "clickhouse"),
    });
}
