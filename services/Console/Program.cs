using EventStream.Console.Commands;

return await CommandLine.RunAsync(args);
