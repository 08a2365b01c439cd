using EventStream.Cli.Commands;

return await CommandLine.RunAsync(args);
