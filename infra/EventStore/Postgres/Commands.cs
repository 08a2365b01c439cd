using Npgsql;
using NpgsqlTypes;

namespace EventStream.EventStore.Postgres;

/// <summary>Binds values to the numbered places of a command, one after another, without boxing.</summary>
internal static class Commands
{
    public static NpgsqlCommand With<T>(this NpgsqlCommand command, T value)
    {
        command.Parameters.Add(new NpgsqlParameter<T> { TypedValue = value });
        return command;
    }

    public static NpgsqlCommand With(this NpgsqlCommand command, DateTimeOffset? value)
    {
        command.Parameters.Add(new NpgsqlParameter
        {
            Value = value is { } time ? time.ToUniversalTime() : DBNull.Value,
            NpgsqlDbType = NpgsqlDbType.TimestampTz,
        });
        return command;
    }

    /// <summary>JSON in UTF-8 as jsonb.</summary>
    public static NpgsqlCommand WithJson(this NpgsqlCommand command, byte[] json)
    {
        command.Parameters.Add(new NpgsqlParameter<byte[]> { TypedValue = json, NpgsqlDbType = NpgsqlDbType.Jsonb });
        return command;
    }

    /// <summary>Many JSON texts as jsonb[].</summary>
    public static NpgsqlCommand WithJson(this NpgsqlCommand command, byte[][] json)
    {
        command.Parameters.Add(new NpgsqlParameter
        {
            Value = json,
            NpgsqlDbType = NpgsqlDbType.Array | NpgsqlDbType.Jsonb,
        });
        return command;
    }
}
