using System.Diagnostics;
using System.Globalization;
using System.Net.Http.Headers;
using System.Net.Http.Json;
using System.Text.Json;
using EventStream.Hosting;

namespace EventStream.Journey;

/// <summary>A process of the platform as the supervisor tells it. Memory in bytes.</summary>
public sealed record ProcessFacts(
    string Name,
    string[] Roles,
    int? Pid,
    string State,
    int Restarts,
    long RssBytes,
    long PssBytes
);

/// <summary>
/// The platform under demonstration: <c>eventstream up</c> as a child of this process, in a data folder of its own,
/// with time compressed so that a day of load passes in about a minute.
/// </summary>
public sealed class Platform : IAsyncDisposable
{
    private static readonly TimeSpan StartTimeout = TimeSpan.FromMinutes(4);
    private static readonly TimeSpan StopTimeout = TimeSpan.FromSeconds(60);
    private readonly Process process;
    private readonly List<string> lastLines = [];
    private ClientEnv? env;

    private Platform(JourneyOptions options, string data, Process process) =>
        (Options, Data, this.process) = (options, data, process);

    public JourneyOptions Options { get; }

    public string Data { get; }

    public HttpClient Http { get; } = new() { Timeout = TimeSpan.FromSeconds(30) };

    public string Kafka => Options.Kafka ?? $"127.0.0.1:{9092 - 7000 + Options.BasePort}";

    /// <summary>Addresses and credentials, once the platform is ready.</summary>
    public ClientEnv Env => env ?? throw new JourneyException("the platform is not ready");

    public string EdgeA => $"http://127.0.0.1:{Options.BasePort + 80}";

    public string EdgeB => $"http://127.0.0.1:{Options.BasePort + 81}";

    /// <summary>The address of a role.</summary>
    public string Url(string role) =>
        $"http://127.0.0.1:{RoleAddresses.PortOf(role) - RoleAddresses.PortOf("console") + Options.BasePort}";

    /// <summary>
    /// Starts and waits until every part is ready. Throws <see cref="JourneyException"/> with the last lines
    /// otherwise.
    /// </summary>
    public static async Task<Platform> StartAsync(
        JourneyOptions options,
        string data,
        Show show,
        CancellationToken cancellation
    )
    {
        Directory.CreateDirectory(data);
        var info = new ProcessStartInfo(Executable())
        {
            RedirectStandardOutput = true,
            RedirectStandardError = true,
            UseShellExecute = false,
        };
        List<string> arguments =
        [
            "up",
            "--data",
            data,
            "--base-port",
            $"{options.BasePort}",
            "--encode-workers",
            "2",
            "--max-encode-workers",
            "4",
        ];
        if (options.Kafka is not null)
            arguments.AddRange(["--kafka", options.Kafka]);
        foreach (var argument in arguments)
            info.ArgumentList.Add(argument);
        foreach (var (key, value) in Settings(options))
            info.Environment[$"EVENTSTREAM__{key}"] = value;
        var platform = new Platform(options, data, Process.Start(info)!);
        platform.Follow(show);
        try
        {
            await platform.ReadyAsync(cancellation);
            platform.env = ClientEnv.Read(data);
        }
        catch
        {
            await platform.DisposeAsync();
            throw;
        }

        return platform;
    }

    /// <summary>Every process of the platform with its memory.</summary>
    public async Task<IReadOnlyList<ProcessFacts>> ProcessesAsync(CancellationToken cancellation)
    {
        using var answer = await OperateAsync(HttpMethod.Get, "/v1/processes", null, cancellation);
        return (await answer.Content.ReadFromJsonAsync<List<ProcessFacts>>(cancellation))!;
    }

    /// <summary>
    /// Asks the supervisor as an operator, with a JSON body where there is one. Throws <see cref="JourneyException"/>
    /// with the answer's own words where it is an error.
    /// </summary>
    public async Task<HttpResponseMessage> OperateAsync(
        HttpMethod method,
        string path,
        object? body,
        CancellationToken cancellation
    )
    {
        using var request = new HttpRequestMessage(method, Url("supervisor") + path);
        request.Headers.Authorization = new AuthenticationHeaderValue("Bearer", Env.OperatorKey);
        if (body is not null)
            request.Content = JsonContent.Create(body);
        var answer = await Http.SendAsync(request, cancellation);
        if (answer.IsSuccessStatusCode)
            return answer;
        using (answer)
        {
            throw new JourneyException(
                $"supervisor: {method} {path} answered {(int)answer.StatusCode}: "
                    + await answer.Content.ReadAsStringAsync(cancellation)
            );
        }
    }

    /// <summary>
    /// Reads JSON. Throws <see cref="JourneyException"/> with the answer's own words where it is an error.
    /// </summary>
    public async Task<JsonElement> GetAsync(string url, CancellationToken cancellation)
    {
        using var answer = await Http.GetAsync(url, cancellation);
        var body = await answer.Content.ReadAsStringAsync(cancellation);
        if (!answer.IsSuccessStatusCode)
            throw new JourneyException($"GET {url} answered {(int)answer.StatusCode}: {body}");
        return JsonDocument.Parse(body).RootElement;
    }

    public async ValueTask DisposeAsync()
    {
        Http.Dispose();
        if (!process.HasExited)
        {
            using var kill = Process.Start("kill", ["-TERM", process.Id.ToString(CultureInfo.InvariantCulture)]);
            await kill.WaitForExitAsync();
            using var timeout = new CancellationTokenSource(StopTimeout);
            await process.WaitForExitAsync(timeout.Token).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
            if (!process.HasExited)
                process.Kill(entireProcessTree: true);
        }

        process.Dispose();
    }

    private static string Executable()
    {
        var folder = new DirectoryInfo(AppContext.BaseDirectory);
        while (folder is not null && !File.Exists(Path.Combine(folder.FullName, "EventStream.sln")))
            folder = folder.Parent;
        var path = Path.Combine(folder?.FullName ?? ".", "artifacts", "bin", "eventstream");
        return File.Exists(path) ? path : throw new JourneyException($"'{path}' is missing; run `make build`");
    }

    /// <summary>
    /// Compressed time: 24 steps make a day, sessions end after a short silence, steering is asked often.
    /// </summary>
    private static Dictionary<string, string> Settings(JourneyOptions options)
    {
        var step = options.StepSeconds.ToString(CultureInfo.InvariantCulture);
        return new Dictionary<string, string>(StringComparer.Ordinal)
        {
            ["QOE__LOADSTEPSECONDS"] = step,
            ["ENCODE__LOADSTEPSECONDS"] = step,
            ["QOE__SESSIONTIMEOUTSECONDS"] = "20",
            ["TRAFFIC__STEERINGTTLSECONDS"] = "2",
            ["CAPACITY__STEPSECONDS"] = step,
            ["CAPACITY__SEASONSTEPS"] = $"{JourneyOptions.StepsPerDay}",
            ["CAPACITY__HORIZONSTEPS"] = $"{JourneyOptions.StepsPerDay}",
            ["CAPACITY__FORECASTEVERYSTEPS"] = "1",
            ["CAPACITY__TARGETS__0__NAME"] = "encode-workers",
            ["CAPACITY__TARGETS__0__RESOURCE"] = "viewers",
            ["CAPACITY__TARGETS__0__UNITSPERREPLICA"] = $"{Math.Max(1, options.Viewers / 3)}",
            ["CAPACITY__TARGETS__0__UTILISATION"] = "0.85",
            ["CAPACITY__TARGETS__0__MINREPLICAS"] = "1",
            ["CAPACITY__TARGETS__0__MAXREPLICAS"] = "4",
            ["CAPACITY__TARGETS__0__STARTUPSTEPS"] = "2",
            ["CAPACITY__TARGETS__0__SCALEINHOLDSTEPS"] = "3",
            ["CAPACITY__TARGETS__0__RULE"] = "predictive",
        };
    }

    private void Follow(Show show)
    {
        void Take(string? line)
        {
            if (string.IsNullOrWhiteSpace(line))
                return;
            lock (lastLines)
            {
                lastLines.Add(line);
                if (lastLines.Count > 12)
                    lastLines.RemoveAt(0);
            }

            show.Line(line.Trim());
        }

        process.OutputDataReceived += (_, e) => Take(e.Data);
        process.ErrorDataReceived += (_, e) => Take(e.Data);
        process.BeginOutputReadLine();
        process.BeginErrorReadLine();
    }

    private async Task ReadyAsync(CancellationToken cancellation)
    {
        var runFile = Path.Combine(Data, "run", "supervisor.json");
        await Wait.UntilAsync(
            "the platform is ready",
            StartTimeout,
            cancellation,
            () =>
            {
                if (process.HasExited)
                {
                    lock (lastLines)
                        throw new JourneyException($"The platform did not start. {string.Join(" | ", lastLines)}");
                }

                return Task.FromResult(
                    File.Exists(runFile)
                        && File.ReadAllText(runFile)
                            .Replace(" ", "", StringComparison.Ordinal)
                            .Contains("\"ready\":true", StringComparison.Ordinal)
                );
            }
        );
    }
}
