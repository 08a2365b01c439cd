using EventStream.Hosting;

namespace EventStream.Cli.Supervisor;

/// <summary>The supervisor's own web application: what runs, and the levers on it.</summary>
internal sealed class SupervisorRole(Platform platform) : IRole
{
    public string Name => "supervisor";

    public string Summary => "starts, watches and stops the platform";

    public void Configure(WebApplicationBuilder builder) =>
        builder.Services.AddSingleton(platform).AddSingleton<PlatformHealth>().AddSingleton<OperatorLog>();

    public void Use(WebApplication app) => app.UseHostCheck(Name);

    public void Map(WebApplication app) => SupervisorApi.Map(app);
}
