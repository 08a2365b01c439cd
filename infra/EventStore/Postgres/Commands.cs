using Npgsql;
using NpgsqlTypes;

namespace EventStream.EventStore.Postgres;

/// <summary>Binds values to the numbered places of a command, one after another, without boxing.</summary>
internal static class Commands
{
    public static NpgsqlCommand With<T>(this NpgsqlCommand command, T value)
    {
        command.Parameters.With(value);
        return command;
    }

    /// <summary>One more command of a batch, whose values are to be bound.</summary>
    public static NpgsqlParameterCollection Add(this NpgsqlBatch batch, string sql)
    {
        var command = new NpgsqlBatchCommand(sql);
        batch.BatchCommands.Add(command);
        return command.Parameters;
    }

    /// <summary>JSON in UTF-8 as jsonb.</summary>
    public static NpgsqlCommand WithJson(this NpgsqlCommand command, byte[] json)
    {
        command.Parameters.WithJson(json);
        return command;
    }

    public static NpgsqlParameterCollection With<T>(this NpgsqlParameterCollection parameters, T value)
    {
        parameters.Add(new NpgsqlParameter<T> { TypedValue = value });
        return parameters;
    }

    public static NpgsqlParameterCollection With(this NpgsqlParameterCollection parameters, DateTimeOffset? value)
    {
        parameters.Add(new NpgsqlParameter
        {
            Value = value is { } time ? time.ToUniversalTime() : DBNull.Value,
            NpgsqlDbType = NpgsqlDbType.TimestampTz,
        });
        return parameters;
    }

    /// <summary>JSON in UTF-8 as jsonb.</summary>
    public static NpgsqlParameterCollection WithJson(this NpgsqlParameterCollection parameters, byte[] json)
    {
        parameters.Add(new NpgsqlParameter<byte[]> { TypedValue = json, NpgsqlDbType = NpgsqlDbType.Jsonb });
        return parameters;
    }

    /// <summary>Many JSON texts as jsonb[].</summary>
    public static NpgsqlParameterCollection WithJson(this NpgsqlParameterCollection parameters, byte[][] json)
    {
        parameters.Add(new NpgsqlParameter<byte[][]>
        {
            TypedValue = json,
            NpgsqlDbType = NpgsqlDbType.Array | NpgsqlDbType.Jsonb,
        });
        return parameters;
    }
}
