namespace EventStream.Cli;

/// <summary>
/// A command cannot be done. The message is one or two sentences for the operator: what is wrong and what to do about
/// it.
/// </summary>
public sealed class CommandException(string message, Exception? cause = null) : Exception(message, cause);
