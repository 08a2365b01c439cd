using System.Text.Json;
using System.Text.Json.Nodes;
using EventStream.Cli;
using EventStream.Cli.Supervisor;
using EventStream.Hosting;
using EventStream.Tests.Kit;
using Microsoft.AspNetCore.Builder;
using Microsoft.Extensions.Configuration;
using Microsoft.Extensions.DependencyInjection.Extensions;
using Microsoft.Extensions.Hosting;

namespace EventStream.Unit.Tests.Deploy;

/// <summary>
/// The OpenAPI document of every role, as it is served: whole, and the same as the committed one in
/// <c>docs/openapi</c>. <c>make docs</c> writes the committed ones.
/// </summary>
[Trait("Category", "Docs")]
public sealed class OpenApiTests(DeploymentSecrets secrets) : IClassFixture<DeploymentSecrets>, IDisposable
{
    private const string WriteVariable = "EVENTSTREAM_WRITE_DOCS";
    private static readonly JsonSerializerOptions Indented = new() { WriteIndented = true };
    private static readonly string Docs = Path.Combine(Checkout.Root, "docs", "openapi");
    private readonly DirectoryInfo folder = Directory.CreateTempSubdirectory("eventstream-openapi-");

    private static readonly string[] Names =
    [
        "upload",
        "encode",
        "encode-worker",
        "playback",
        "traffic",
        "collect",
        "qoe",
        "warehouse",
        "capacity",
        "console",
        "supervisor",
    ];

    public static TheoryData<string> RolesWithAnApi => [.. Names];

    public void Dispose() => folder.Delete(recursive: true);

    [Theory]
    [MemberData(nameof(RolesWithAnApi))]
    public async Task The_document_of_a_role_is_whole_and_the_committed_one(string role)
    {
        var document = await ReadAsync(role);
        AssertWhole(document);
        var text = document.ToJsonString(Indented) + "\n";
        var file = Path.Combine(Docs, $"{role}.json");
        if (Environment.GetEnvironmentVariable(WriteVariable) is not null)
        {
            Directory.CreateDirectory(Docs);
            await File.WriteAllTextAsync(file, text);
        }

        Assert.True(
            File.Exists(file) && await File.ReadAllTextAsync(file) == text,
            $"docs/openapi/{role}.json is not what the role serves; run `make docs` and commit it."
        );
    }

    [Fact]
    public void Nothing_else_is_committed_as_a_document() =>
        Assert.Equal(
            Names.Select(name => $"{name}.json").Order(StringComparer.Ordinal),
            Directory.GetFiles(Docs).Select(Path.GetFileName).Order(StringComparer.Ordinal)
        );

    /// <summary>Every operation says what it does, and who may ask where not everybody may.</summary>
    private static void AssertWhole(JsonObject document)
    {
        var operations =
            from path in document["paths"]!.AsObject()
            from operation in path.Value!.AsObject()
            select (Name: $"{operation.Key} {path.Key}", Value: operation.Value!.AsObject());
        Assert.All(
            operations,
            operation =>
            {
                Assert.False(
                    string.IsNullOrEmpty((string?)operation.Value["summary"]),
                    $"{operation.Name}: no summary"
                );
                var responses = operation.Value["responses"]!.AsObject();
                Assert.Contains(responses, response => response.Key.StartsWith('2'));
                Assert.Equal(
                    operation.Value.ContainsKey("security"),
                    responses.ContainsKey("403") && responses.ContainsKey("401")
                );
            }
        );
        Assert.Equal("bearer", (string?)document["components"]!["securitySchemes"]!["key"]!["scheme"]);
        Assert.NotNull(document["components"]!["schemas"]!["ProblemDetails"]);
    }

    private async Task<JsonObject> ReadAsync(string role)
    {
        await using var app = RoleHost.Build(new WithoutWork(Create(role)), Configuration(role));
        await app.StartAsync();
        var key = (await File.ReadAllTextAsync(Path.Combine(secrets.Folder, "operator-key"))).Trim();
        using var client = TestKeys.Client(key, app.Urls.Single());
        var document = JsonNode.Parse(await client.GetStringAsync("/openapi/v1.json"))!.AsObject();
        var paths = document["paths"]!
            .AsObject()
            .OrderBy(path => path.Key, StringComparer.Ordinal)
            .Select(path => KeyValuePair.Create(path.Key, path.Value?.DeepClone()))
            .ToList();
        document["paths"] = new JsonObject(paths);
        return document;
    }

    private IRole Create(string role) =>
        role != "supervisor"
            ? Roles.Named([role]).Single()
            : new SupervisorRole(
                new Platform(
                    new PlatformOptions { DataFolder = folder.FullName },
                    new ConfigurationBuilder().Build(),
                    TimeProvider.System,
                    _ => { }
                )
            );

    private IConfiguration Configuration(string role)
    {
        var containers = Manifests.Compose(secrets);
        var container = containers.FirstOrDefault(one => one.Roles.Contains(role)) ?? containers[0];
        return new ConfigurationBuilder()
            .AddInMemoryCollection(Manifests.Settings(container, folder.FullName))
            .AddInMemoryCollection([new($"Listen:{role}", "http://127.0.0.1:0")])
            .Build();
    }

    /// <summary>A role with its routes and without what it does besides answering.</summary>
    private sealed class WithoutWork(IRole role) : IRole
    {
        public string Name => role.Name;

        public string Summary => role.Summary;

        public void Configure(WebApplicationBuilder builder)
        {
            role.Configure(builder);
            builder.Services.RemoveAll<IHostedService>();
        }

        public void Use(WebApplication app) => role.Use(app);

        public void Map(WebApplication app) => role.Map(app);
    }
}
