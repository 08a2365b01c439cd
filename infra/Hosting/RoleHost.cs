using EventStream.Hosting.Access;
using EventStream.Hosting.OpenApi;
using EventStream.Messaging;
using EventStream.Messaging.Kafka;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Diagnostics.HealthChecks;
using Microsoft.AspNetCore.Hosting;
using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.Configuration;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.DependencyInjection.Extensions;
using Microsoft.Extensions.Diagnostics.HealthChecks;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;

namespace EventStream.Hosting;

/// <summary>Builds the web application of a role with the defaults that every role starts with.</summary>
public static class RoleHost
{
    /// <summary>Time that a stopping role has to finish what it holds.</summary>
    public static readonly TimeSpan ShutdownTimeout = TimeSpan.FromSeconds(15);

    /// <summary>
    /// Reads settings: an optional JSON file, then <c>EVENTSTREAM__*</c> environment variables, then
    /// <paramref name="overrides"/>. Throws <see cref="FileNotFoundException"/> when the file is named and missing.
    /// </summary>
    public static IConfiguration ReadConfiguration(
        string? jsonFile = null,
        IEnumerable<KeyValuePair<string, string?>>? overrides = null
    )
    {
        var builder = new ConfigurationBuilder();
        if (jsonFile is not null)
            builder.AddJsonFile(Path.GetFullPath(jsonFile), optional: false);
        builder.AddEnvironmentVariables("EVENTSTREAM__");
        if (overrides is not null)
            builder.AddInMemoryCollection(overrides);
        return builder.Build();
    }

    /// <summary>
    /// Builds a role, not yet started. Its listening address is that of <see cref="RoleAddresses"/>. Throws
    /// <see cref="RoleConfigurationException"/> where a setting is missing or wrong.
    /// </summary>
    public static WebApplication Build(IRole role, IConfiguration configuration)
    {
        var builder = WebApplication.CreateSlimBuilder(new WebApplicationOptions { ApplicationName = "eventstream" });
        builder.Configuration.Sources.Clear();
        builder.Configuration.AddConfiguration(configuration);
        AddLogging(builder, role);
        builder.WebHost.UseUrls(RoleAddresses.Listen(configuration, role.Name));
        builder.Services.Configure<HostOptions>(options => options.ShutdownTimeout = ShutdownTimeout);
        builder.Services.AddSingleton<IHostLifetime, SignalFreeLifetime>();
        builder.Services.AddSingleton(role).AddSingleton<IClientName>(role);
        builder.Services.TryAddSingleton(TimeProvider.System);
        builder.Services.AddProblemDetails();
        builder.Services.AddRouting();
        builder.Services.AddHealthChecks();
        builder.Services.AddRoleOptions(configuration, KafkaOptions.Read);
        builder.Services.AddSingleton<EventProducer>();
        builder.Services.AddSingleton<IEventPublisher>(services => services.GetRequiredService<EventProducer>());
        builder.Services.AddSingleton<TopicAdmin>();
        builder.Services.AddRoleOptions(configuration, AccessOptions.Read);
        builder.Services.AddAccess().AddSingleton<ServiceCredential>();
        builder.Services.AddApiDocument(role);
        role.Configure(builder);
        var app = builder.Build();
        RoleOptions.Check(app.Services, role.Name);
        app.UseTrustedProxies(role.Name);
        app.UseExceptionHandler();
        app.UseStatusCodePages();
        app.Use(RefuseUnknownCharsetAsync);
        role.Use(app);
        app.UseRouting();
        app.UseAuthentication();
        app.UseAuthorization();
        MapHealth(app);
        app.MapDoors();
        app.MapApiDocument();
        role.Map(app);
        return app;
    }

    private static void AddLogging(WebApplicationBuilder builder, IRole role)
    {
        builder.Logging.ClearProviders();
        builder.Logging.AddConfiguration(builder.Configuration.GetSection("Logging"));
        builder.Logging.SetMinimumLevel(LogLevel.Information);
        builder.Logging.AddFilter("Microsoft", LogLevel.Warning);
        builder.Logging.AddFilter("System", LogLevel.Warning);
        // A line for every request without a good key would let strangers push everything else out of the log.
        builder.Logging.AddFilter(typeof(KeyAuthentication).FullName, LogLevel.Warning);
        // A client that asks for readiness reads the answer; a line in the log for every "not yet" would bury the rest.
        builder.Logging.AddFilter("Microsoft.Extensions.Diagnostics.HealthChecks", LogLevel.None);
        builder.Logging.AddProvider(new LineLoggerProvider(role.Name));
    }

    /// <summary>ASP.NET Core answers 500 for JSON in a charset that it does not know.</summary>
    private static async Task RefuseUnknownCharsetAsync(HttpContext context, RequestDelegate next)
    {
        try
        {
            await next(context);
        }
        catch (InvalidOperationException e)
            when (e.InnerException is ArgumentException
                && !context.Response.HasStarted
                && context.Request.ContentType?.Contains("charset", StringComparison.OrdinalIgnoreCase) == true
            )
        {
            await Results
                .Problem(
                    statusCode: StatusCodes.Status415UnsupportedMediaType,
                    title: "The charset is not taken here",
                    detail: $"'{context.Request.ContentType}' cannot be read; send UTF-8."
                )
                .ExecuteAsync(context);
        }
    }

    private static void MapHealth(WebApplication app)
    {
        app.MapHealthChecks("/health/live", new HealthCheckOptions { Predicate = _ => false }).AllowAnonymous();
        app.MapHealthChecks(
                "/health/ready",
                new HealthCheckOptions
                {
                    Predicate = check => check.Tags.Contains(ReadinessExtensions.Tag),
                    ResponseWriter = WriteReport,
                }
            )
            .AllowAnonymous();
    }

    private static Task WriteReport(HttpContext context, HealthReport report)
    {
        context.Response.ContentType = "text/plain; charset=utf-8";
        var lines = report.Entries.Select(e => $"{e.Key}: {e.Value.Status} {e.Value.Description}");
        return context.Response.WriteAsync($"{report.Status}\n{string.Join('\n', lines)}\n");
    }
}

/// <summary>
/// Leaves signals alone: several hosts share a process, and the command that runs them decides when all of them stop.
/// </summary>
public sealed class SignalFreeLifetime : IHostLifetime
{
    public Task WaitForStartAsync(CancellationToken cancellationToken) => Task.CompletedTask;

    public Task StopAsync(CancellationToken cancellationToken) => Task.CompletedTask;
}
