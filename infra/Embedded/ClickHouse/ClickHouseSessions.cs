namespace EventStream.Embedded.ClickHouse;

/// <summary>
/// Connections that clients come back to by a session id, for temporary tables and SET. A session runs one statement
/// at a time and ends when it was not used for its time-out.
/// </summary>
internal sealed class ClickHouseSessions(EmbeddedEngine engine, TimeProvider clock) : IDisposable
{
    private readonly Dictionary<(string User, string Id), Session> sessions = [];
    private readonly Lock gate = new();

    /// <summary>
    /// Takes the session's connection, made when it is new. Throws <see cref="ClickHouseException"/>: 373 while
    /// another request uses it, 372 when it had to exist, 202 when there are too many.
    /// </summary>
    public Session Take(ClickHouseRequest request)
    {
        lock (gate)
        {
            EndIdle();
            var id = request.SessionId!;
            var key = (request.User.Name, id);
            if (!sessions.TryGetValue(key, out var session))
                sessions[key] = session = Begin(id, request.SessionMustExist);
            if (session.Busy)
                throw new ClickHouseException(ClickHouseError.SessionIsLocked, $"Session {id} is in use.");
            session.Busy = true;
            session.Timeout = request.SessionTimeout;
            return session;
        }
    }

    /// <summary>Gives the session back; its time-out runs from now.</summary>
    public void Return(Session session)
    {
        lock (gate)
        {
            session.Busy = false;
            session.LastUsed = clock.GetUtcNow();
        }
    }

    public void Dispose()
    {
        lock (gate)
        {
            foreach (var session in sessions.Values.Where(session => !session.Busy))
                session.Connection.Dispose();
            sessions.Clear();
        }
    }

    private Session Begin(string id, bool mustExist)
    {
        if (mustExist)
            throw new ClickHouseException(ClickHouseError.SessionNotFound, $"Session {id} was not found.");
        if (sessions.Count >= engine.Options.SessionsMax)
        {
            throw new ClickHouseException(
                ClickHouseError.TooManySimultaneousQueries,
                $"{sessions.Count} sessions are open (ClickHouse:SessionsMax); end one or wait for its time-out."
            );
        }

        return new Session(engine.Connect(), clock.GetUtcNow());
    }

    private void EndIdle()
    {
        var now = clock.GetUtcNow();
        foreach (var (key, session) in sessions.Where(pair => !pair.Value.Busy).ToList())
        {
            if (now - session.LastUsed < session.Timeout)
                continue;
            sessions.Remove(key);
            session.Connection.Dispose();
        }
    }

    /// <summary>One session; read and written under the lock of its owner.</summary>
    internal sealed class Session(ChdbConnection connection, DateTimeOffset now)
    {
        public ChdbConnection Connection { get; } = connection;
        public bool Busy { get; set; }
        public DateTimeOffset LastUsed { get; set; } = now;
        public TimeSpan Timeout { get; set; }
    }
}
