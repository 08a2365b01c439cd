using Microsoft.Extensions.Configuration;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Options;

namespace EventStream.Hosting;

/// <summary>
/// The way of a role to its options: a record that a function reads from the settings, once, with a sentence for each
/// setting that is wrong. The role is not built while there is one; what it says names those of all its sections.
/// </summary>
public static class RoleOptions
{
    /// <summary>
    /// Reads options and registers them, as <typeparamref name="TOptions"/> and as its <see cref="IOptions{T}"/>,
    /// validated at start. What this returns holds fallbacks in place of wrong settings: it is for choices of the
    /// registration, and only what the provider gives may be worked with.
    /// </summary>
    public static TOptions AddRoleOptions<TOptions>(
        this IServiceCollection services,
        IConfiguration configuration,
        Func<IConfiguration, ICollection<string>, TOptions> read
    )
        where TOptions : class
    {
        var errors = new List<string>();
        var options = read(configuration, errors);
        services.AddSingleton<IOptionsFactory<TOptions>>(new Factory<TOptions>(options, errors));
        services.AddOptions<TOptions>().ValidateOnStart();
        services.AddSingleton(provider => provider.GetRequiredService<IOptions<TOptions>>().Value);
        return options;
    }

    /// <summary>
    /// Reads options where no role is built, for a command. Throws one <see cref="RoleConfigurationException"/> of
    /// <paramref name="reader"/> with everything that is wrong.
    /// </summary>
    public static TOptions Read<TOptions>(
        string reader,
        IConfiguration configuration,
        Func<IConfiguration, ICollection<string>, TOptions> read
    )
    {
        var errors = new List<string>();
        var options = read(configuration, errors);
        return errors.Count == 0 ? options : throw new RoleConfigurationException(reader, string.Join(' ', errors));
    }

    /// <summary>Throws one <see cref="RoleConfigurationException"/> with everything that is wrong.</summary>
    internal static void Check(IServiceProvider services, string role)
    {
        try
        {
            services.GetService<IStartupValidator>()?.Validate();
        }
        catch (Exception e) when (e is OptionsValidationException or AggregateException)
        {
            var failures = e is AggregateException several
                ? several.InnerExceptions.OfType<OptionsValidationException>().SelectMany(one => one.Failures)
                : ((OptionsValidationException)e).Failures;
            throw new RoleConfigurationException(role, string.Join(' ', failures));
        }
    }

    private sealed class Factory<TOptions>(TOptions options, IReadOnlyList<string> errors) : IOptionsFactory<TOptions>
        where TOptions : class
    {
        public TOptions Create(string name) =>
            errors.Count == 0 ? options : throw new OptionsValidationException(name, typeof(TOptions), errors);
    }
}
