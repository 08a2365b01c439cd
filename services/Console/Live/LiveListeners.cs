using EventStream.Hosting.Access;

namespace EventStream.Console.Live;

/// <summary>
/// The pages that listen, so that nothing is polled for nobody. A user has
/// <see cref="ConsoleOptions.ListenersPerUserMax"/> places, and one page more ends the oldest: nobody takes another
/// user's.
/// </summary>
internal sealed class LiveListeners(ConsoleOptions options)
{
    private readonly Lock gate = new();

    /// <summary>The oldest first.</summary>
    private readonly List<LiveListener> all = [];

    public bool AreThere()
    {
        lock (gate)
            return all.Count > 0;
    }

    /// <summary>Takes a place; null where <see cref="ConsoleOptions.ListenersMax"/> are taken.</summary>
    public LiveListener? Enter(Caller user)
    {
        var listener = new LiveListener(this, user);
        LiveListener? oldest = null;
        lock (gate)
        {
            var own = all.Where(one => one.User == user).ToList();
            if (own.Count >= options.ListenersPerUserMax)
                all.Remove(oldest = own[0]);
            else if (all.Count >= options.ListenersMax)
                return null;
            all.Add(listener);
        }

        oldest?.Replace();
        return listener;
    }

    /// <summary>Gives a place back; one that was replaced has none.</summary>
    internal void Leave(LiveListener listener)
    {
        lock (gate)
            all.Remove(listener);
    }
}

/// <summary>The place of one page.</summary>
internal sealed class LiveListener(LiveListeners listeners, Caller user) : IDisposable
{
    private readonly CancellationTokenSource replaced = new();

    public Caller User => user;

    /// <summary>Cancelled when a newer page of the user takes the place.</summary>
    public CancellationToken Replaced => replaced.Token;

    public void Dispose() => listeners.Leave(this);

    internal void Replace() => replaced.Cancel();
}
