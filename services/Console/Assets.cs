using System.Security.Cryptography;
using EventStream.Processes;
using Microsoft.AspNetCore.StaticFiles;
using Microsoft.Net.Http.Headers;

namespace EventStream.Console;

/// <summary>
/// Pages, styles and scripts. Our own are inside the assembly; the players and the tus client are the files of their
/// npm packages on this machine, never from another host.
/// </summary>
internal static class Assets
{
    private const string ResourcePrefix = "page/";

    private static readonly FileExtensionContentTypeProvider ContentTypes = new();

    private static readonly Dictionary<string, string> Pages = new(StringComparer.Ordinal)
    {
        ["/"] = "index.html",
        ["/sign-in"] = "sign-in.html",
        ["/upload"] = "upload.html",
        ["/library"] = "library.html",
        ["/watch/{videoId}"] = "watch.html",
        ["/operations"] = "operations.html",
        ["/data"] = "data.html",
    };

    private static readonly Dictionary<string, string> Vendor = new(StringComparer.Ordinal)
    {
        ["/vendor/hls.min.js"] = "hls.js/dist/hls.min.js",
        ["/vendor/dash.all.min.js"] = "dashjs/dist/modern/umd/dash.all.min.js",
        ["/vendor/tus.min.js"] = "tus-js-client/dist/tus.min.js",
    };

    public static void Map(IEndpointRouteBuilder routes, IConfiguration configuration)
    {
        foreach (var (route, file) in Pages)
            MapEmbedded(routes, route, file);
        foreach (var name in typeof(Assets).Assembly.GetManifestResourceNames())
        {
            if (!name.StartsWith(ResourcePrefix, StringComparison.Ordinal))
                continue;
            if (name.EndsWith(".html", StringComparison.Ordinal))
                continue;
            var file = name[ResourcePrefix.Length..];
            MapEmbedded(routes, $"/assets/{file}", file);
        }

        Map(routes, "/assets/contracts.js", "contracts.js", ContractConstants.Module());

        routes
            .MapGet("/favicon.ico", () => Results.Redirect("/assets/icon.svg"))
            .AllowAnonymous()
            .ExcludeFromDescription();
        foreach (var (route, package) in Vendor)
            routes.MapGet(route, () => VendorFile(configuration, package)).AllowAnonymous().ExcludeFromDescription();
    }

    private static void MapEmbedded(IEndpointRouteBuilder routes, string route, string file) =>
        Map(routes, route, file, Read(file));

    private static void Map(IEndpointRouteBuilder routes, string route, string file, byte[] bytes)
    {
        var tag = new EntityTagHeaderValue($"\"{Convert.ToHexStringLower(SHA256.HashData(bytes))[..16]}\"");
        routes
            .MapGet(route, () => Results.Bytes(bytes, ContentType(file), entityTag: tag))
            .AllowAnonymous()
            .ExcludeFromDescription();
    }

    private static byte[] Read(string file)
    {
        using var stream =
            typeof(Assets).Assembly.GetManifestResourceStream(ResourcePrefix + file)
            ?? throw new InvalidOperationException($"The page {file} is not in the assembly.");
        using var copy = new MemoryStream();
        stream.CopyTo(copy);
        return copy.ToArray();
    }

    private static IResult VendorFile(IConfiguration configuration, string package)
    {
        try
        {
            return Results.File(Tools.Npm(configuration, package), ContentType(package));
        }
        catch (MissingToolException e)
        {
            return Results.Problem(statusCode: 503, title: "A player is not installed", detail: e.Message);
        }
    }

    private static string ContentType(string file) =>
        ContentTypes.TryGetContentType(file, out var type) && type.StartsWith("text/", StringComparison.Ordinal)
            ? $"{type}; charset=utf-8"
            : type ?? "application/octet-stream";
}
