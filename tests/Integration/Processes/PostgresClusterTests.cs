using System.Net;
using System.Net.Sockets;
using EventStream.Processes.Postgres;
using EventStream.Tests.Kit;
using Npgsql;

namespace EventStream.Integration.Tests.Processes;

public sealed class PostgresClusterTests : IDisposable
{
    private readonly string folder = Directory.CreateTempSubdirectory("eventstream-cluster-").FullName;

    public void Dispose() => Directory.Delete(folder, recursive: true);

    [Fact]
    public async Task What_was_committed_is_there_after_a_stop_a_start_and_a_takeover()
    {
        var port = FreePort.Next();
        await using (var first = await PostgresCluster.StartAsync(folder, port, default))
            await ExecuteAsync(first, "create table t as select 42 as answer");
        await using var second = await PostgresCluster.StartAsync(folder, port, default);
        Assert.Equal(42, await ExecuteAsync(second, "select answer from t"));
        Assert.Equal("32MB", await ExecuteAsync(second, "show shared_buffers"));
        Assert.Equal("on", await ExecuteAsync(second, "show fsync"));

        // As when the supervisor was killed: the server still runs, and the next start takes it over.
        await using var adopted = await PostgresCluster.StartAsync(folder, port, default);
        Assert.Equal(42, await ExecuteAsync(adopted, "select answer from t"));
        var elsewhere = await Assert.ThrowsAsync<PostgresClusterException>(() =>
            PostgresCluster.StartAsync(folder, FreePort.Next(), default)
        );
        Assert.Contains($"already runs on port {port}", elsewhere.Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_port_in_use_is_named()
    {
        using var taken = new TcpListener(IPAddress.Loopback, 0);
        taken.Start();
        var port = ((IPEndPoint)taken.LocalEndpoint).Port;
        var e = await Assert.ThrowsAsync<PostgresClusterException>(() =>
            PostgresCluster.StartAsync(folder, port, default)
        );
        Assert.Contains($"Port {port} for PostgreSQL is in use", e.Message, StringComparison.Ordinal);
    }

    private static async Task<object?> ExecuteAsync(PostgresCluster cluster, string sql)
    {
        await using var connection = new NpgsqlConnection(cluster.ConnectionString + ";Pooling=false");
        await connection.OpenAsync();
        await using var command = new NpgsqlCommand(sql, connection);
        return await command.ExecuteScalarAsync();
    }
}
