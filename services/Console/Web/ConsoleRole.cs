using EventStream.Messaging.Hosting;

namespace EventStream.Console.Web;

/// <summary>The role <c>console</c>: the web pages of the platform and the reads behind them.</summary>
public sealed class ConsoleRole : IRole
{
    public string Name => "console";

    public string Summary => "web pages: upload, library, player, operations, data";

    public int DefaultPort => RoleAddresses.PortOf(Name);

    public void Configure(WebApplicationBuilder builder)
    {
    }

    public void Map(WebApplication app)
    {
    }
}
