using System.Globalization;
using System.Net.Http.Headers;
using System.Text;
using EventStream.Hosting;
using EventStream.Hosting.Access;
using EventStream.Hosting.OpenApi;
using EventStream.Warehouse;

namespace EventStream.Console;

/// <summary>
/// The data page's queries: one statement with bounds on rows, bytes and time, sent as GET, which ClickHouse runs
/// read-only whatever the account may do. What it says of a wrong query is passed on as it is.
/// </summary>
internal static class SqlApi
{
    private const int ResultBytesMax = 8 * 1024 * 1024;
    private const int ErrorLengthMax = 2000;

    public static void Map(IEndpointRouteBuilder routes) =>
        routes
            .MapPost("/api/sql", QueryAsync)
            .RequireAuthorization(Policies.Analyse)
            .Describe("Runs one read-only statement, the body of the request, in ClickHouse.", 400, 413, 502)
            .Answers(200);

    private static async Task QueryAsync(
        HttpContext http,
        IHttpClientFactory clients,
        ConsoleOptions options,
        IConfiguration configuration
    )
    {
        if (await ReadAsync(http, options.QueryLengthMax) is not { } sql)
        {
            await Gateway.ProblemAsync(
                http,
                413,
                "The query is too long",
                $"Send at most {options.QueryLengthMax} characters."
            );
            return;
        }

        if (string.IsNullOrWhiteSpace(sql))
        {
            await Gateway.ProblemAsync(http, 400, "There is no query", "Write one SELECT.");
            return;
        }

        using var timeout = CancellationTokenSource.CreateLinkedTokenSource(http.RequestAborted);
        timeout.CancelAfter(options.QueryTimeout);
        try
        {
            using var request = new HttpRequestMessage(HttpMethod.Get, Address(options, configuration, sql));
            Authenticate(request, configuration);
            using var answer = await clients.CreateClient(Gateway.Client).SendAsync(request, timeout.Token);
            await PassOnAsync(http, answer, timeout.Token);
        }
        catch (HttpRequestException e)
        {
            await Gateway.ProblemAsync(http, 502, "ClickHouse does not answer", e.Message);
        }
        catch (OperationCanceledException) when (!http.RequestAborted.IsCancellationRequested)
        {
            await Gateway.ProblemAsync(
                http,
                504,
                "The query took too long",
                $"It was stopped after {options.QueryTimeout.TotalSeconds:0} s; narrow it."
            );
        }
    }

    private static async Task<string?> ReadAsync(HttpContext http, int lengthMax)
    {
        using var reader = new StreamReader(http.Request.Body, Encoding.UTF8);
        var buffer = new char[lengthMax + 1];
        var length = await reader.ReadBlockAsync(buffer, http.RequestAborted);
        return length > lengthMax ? null : new string(buffer, 0, length);
    }

    private static string Address(ConsoleOptions options, IConfiguration configuration, string sql)
    {
        string[] settings =
        [
            "default_format=JSONCompact",
            "result_overflow_mode=break",
            "wait_end_of_query=1",
            // A query whose page is gone, or whose time is up, must not go on.
            "cancel_http_readonly_queries_on_client_close=1",
            string.Create(CultureInfo.InvariantCulture, $"max_result_rows={options.QueryRowsMax}"),
            string.Create(CultureInfo.InvariantCulture, $"max_result_bytes={ResultBytesMax}"),
            "output_format_json_quote_64bit_integers=0",
            $"database={Uri.EscapeDataString(options.Database)}",
            $"query={Uri.EscapeDataString(sql)}",
        ];
        return $"{RoleAddresses.Url(configuration, "clickhouse")}/?{string.Join('&', settings)}";
    }

    private static void Authenticate(HttpRequestMessage request, IConfiguration configuration)
    {
        var user = configuration["ClickHouse:ReaderUser"] ?? "reader";
        // Without a password ClickHouse refuses the query and says so on the page.
        var password = ClickHouseSecret.Read(configuration, "ReaderPassword") ?? "";
        request.Headers.Authorization = new AuthenticationHeaderValue(
            "Basic",
            Convert.ToBase64String(Encoding.UTF8.GetBytes($"{user}:{password}"))
        );
    }

    private static async Task PassOnAsync(HttpContext http, HttpResponseMessage answer, CancellationToken cancellation)
    {
        if (!answer.IsSuccessStatusCode)
        {
            var said = (await answer.Content.ReadAsStringAsync(cancellation)).Trim();
            await Gateway.ProblemAsync(
                http,
                422,
                "ClickHouse refuses the query",
                said.Length > ErrorLengthMax ? said[..ErrorLengthMax] : said
            );
            return;
        }

        http.Response.ContentType = answer.Content.Headers.ContentType?.ToString() ?? "application/json";
        await answer.Content.CopyToAsync(http.Response.Body, http.RequestAborted);
    }
}
