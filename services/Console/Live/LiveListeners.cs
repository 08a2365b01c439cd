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
    private readonly Dictionary<Caller, List<LiveListener>> all = [];
    private int count;

    public int Count => Volatile.Read(ref count);

    /// <summary>Takes a place; null where <see cref="ConsoleOptions.ListenersMax"/> are taken.</summary>
    public LiveListener? Enter(Caller user)
    {
        LiveListener? oldest = null;
        var listener = new LiveListener(this, user);
        lock (gate)
        {
            var own = all.GetValueOrDefault(user, []);
            if (own.Count >= options.ListenersPerUserMax)
                oldest = own[0];
            else if (count >= options.ListenersMax)
                return null;
            if (oldest is not null)
                Remove(own, oldest);
            own.Add(listener);
            all[user] = own;
            count++;
        }

        oldest?.Replace();
        return listener;
    }

    /// <summary>Gives a place back; one that was replaced has none.</summary>
    internal void Leave(LiveListener listener)
    {
        lock (gate)
        {
            if (!all.TryGetValue(listener.User, out var own))
                return;
            Remove(own, listener);
            if (own.Count == 0)
                all.Remove(listener.User);
        }
    }

    private void Remove(List<LiveListener> own, LiveListener listener)
    {
        if (own.Remove(listener))
            count--;
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
