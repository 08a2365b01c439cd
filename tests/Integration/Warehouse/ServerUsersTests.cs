using ClickHouse.Driver;
using EventStream.Tests.Kit;
using EventStream.Warehouse;
using EventStream.Warehouse.Sink;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Http;

namespace EventStream.Integration.Tests.Warehouse;

/// <summary>
/// What the warehouse sends to a ClickHouse server to make its reader. A server is not at hand, so one that records
/// takes the statements, and the embedded engine's parser, which is the server's, says that they are statements.
/// </summary>
[Collection(EmbeddedClickHouseCollection.Name)]
public sealed class ServerUsersTests(EmbeddedClickHouse engine)
{
    private static readonly ServerUsers Users = new(
        new ClickHouseOptions { ReaderPassword = "reader's secret", ReaderSecondsMax = 60 }
    );

    [Fact]
    public async Task The_reader_is_made_with_bounds_before_grants_and_only_the_hash_of_its_password_travels()
    {
        var sent = new List<string>();
        await using var server = await RecordingAsync(sent, refusal: null);
        await Users.ApplyAsync(Client(server), default);
        Assert.Equal(Users.Statements(), sent);
        Assert.Equal(
            ["CREATE SETTINGS", "ALTER SETTINGS", "CREATE USER", "ALTER USER", "GRANT SELECT,"],
            sent.Select(sql => string.Join(' ', sql.Split(' ').Take(2)))
        );
        Assert.Contains("max_execution_time = 60 MIN 1 MAX 60", sent[1]);
        Assert.DoesNotContain(sent, sql => sql.Contains("secret", StringComparison.Ordinal));
    }

    [Fact]
    public async Task Every_statement_is_one_for_the_engine_s_parser()
    {
        foreach (var statement in Users.Statements())
        {
            using var response = await engine.PostAsync("EXPLAIN AST " + statement);
            Assert.True(response.IsSuccessStatusCode, $"{statement}: {await response.Content.ReadAsStringAsync()}");
        }
    }

    [Fact]
    public async Task A_writer_that_may_not_make_users_is_told_what_to_grant()
    {
        await using var server = await RecordingAsync(
            [],
            "Code: 497. DB::Exception: default: Not enough privileges. (ACCESS_DENIED)"
        );
        var error = await Assert.ThrowsAsync<ClickHouseServerException>(() =>
            Users.ApplyAsync(Client(server), default)
        );
        Assert.Contains("GRANT ACCESS MANAGEMENT", error.Message);
    }

    [Fact]
    public async Task The_embedded_engine_and_a_platform_without_reader_are_left_alone()
    {
        await Users.ApplyAsync(engine.Writer, default);
        Assert.Empty(new ServerUsers(new ClickHouseOptions()).Statements());
    }

    private static ClickHouseClient Client(WebApplication server) =>
        new ClickHouseOptions { Url = new Uri(server.Urls.Single()), Password = "w" }.Client();

    private static async Task<WebApplication> RecordingAsync(List<string> sent, string? refusal)
    {
        var server = WebApplication.CreateSlimBuilder().Build();
        server.Urls.Add("http://127.0.0.1:0");
        server.MapGet("/ping", () => "Ok.\n");
        server.MapPost(
            "/",
            async context =>
            {
                using var reader = new StreamReader(context.Request.Body);
                var sql = await reader.ReadToEndAsync();
                // No user of that name: an empty result of no columns.
                if (sql.Contains("system.users", StringComparison.Ordinal))
                    return;
                sent.Add(sql);
                context.Response.StatusCode = refusal is null ? 200 : 403;
                if (refusal is not null)
                    await context.Response.WriteAsync(refusal);
            }
        );
        await server.StartAsync();
        return server;
    }
}
