using System.Text.Json.Serialization;
using EventStream.Capacity.Models;
using EventStream.Capacity.Scaling;
using EventStream.Contracts;
using EventStream.Hosting;
using EventStream.Hosting.Access;
using EventStream.Messaging.Kafka;
using Microsoft.AspNetCore.Builder;
using Microsoft.Extensions.Configuration;
using Microsoft.Extensions.DependencyInjection;

namespace EventStream.Capacity;

/// <summary>
/// The role <c>capacity</c>: reads <c>traffic.load</c>, publishes forecasts with quantiles, decides how many replicas
/// the configured targets need and lets an actuator start or stop them. Its truth is the log; the models
/// that it keeps can be trained again from it.
/// </summary>
public sealed class CapacityRole : IRole
{
    internal const string RoleName = "capacity";
    internal const string LoadGroup = "capacity-load";
    private const string DecisionGroup = "capacity-decisions";

    public string Name => RoleName;

    public string Summary => "forecasts load and scales the workers to it";

    public void Configure(WebApplicationBuilder builder)
    {
        var services = builder.Services;
        var options = services.AddRoleOptions(builder.Configuration, CapacityOptions.Read);
        services.ConfigureHttpJsonOptions(json =>
            json.SerializerOptions.DefaultIgnoreCondition = JsonIgnoreCondition.WhenWritingNull
        );
        services.AddSingleton<LoadReadModel>();
        services.AddSingleton<TrainedModels>();
        services.AddSingleton<ForecastService>();
        services.AddSingleton<DecisionLog>();
        AddActuators(services, options, builder.Configuration);
        services.AddTopics(Topics.TrafficLoad, Topics.CapacityForecasts, Topics.CapacityDecisions, Topics.DeadLetters);
        services.AddEventConsumer(
            new ConsumerOptions(LoadGroup, [Topics.TrafficLoad]) { FromBeginning = true },
            (provider, record, _) =>
            {
                if (record.Message is LoadMeasured load)
                    provider.GetRequiredService<LoadReadModel>().Take(load);
                return Task.CompletedTask;
            }
        );
        services.AddEventConsumer(
            new ConsumerOptions(DecisionGroup, [Topics.CapacityDecisions])
            {
                FromBeginning = true,
                TailPerPartition = CapacityOptions.DecisionsMax,
                BadRecords = BadRecordPolicy.Continue,
            },
            (provider, record, _) =>
            {
                if (record.Message is ScaleDecided decision)
                {
                    provider.GetRequiredService<DecisionLog>().Take(record.EventId, decision);
                }

                return Task.CompletedTask;
            }
        );
        CapacityReadiness.Register(services);
        services.AddHostedService<ModelTrainer>();
        services.AddHostedService<CapacityLoop>();
    }

    public void Map(WebApplication app) => app.MapCapacityApi();

    private static void AddActuators(IServiceCollection services, CapacityOptions options, IConfiguration configuration)
    {
        services.AddSingleton<IActuator, NoActuator>();
        services.AddSingleton<IActuator>(provider => new SupervisorActuator(
            new HttpClient(provider.GetRequiredService<ServiceCredential>().Handler())
            {
                BaseAddress = new Uri(RoleAddresses.Url(configuration, "supervisor") + "/"),
                Timeout = options.ActuatorTimeout,
            }
        ));
        foreach (var target in options.Targets)
        {
            services.AddSingleton(provider => new Autoscaler(
                target,
                provider.GetServices<IActuator>().First(one => one.Name == target.Actuator),
                options
            ));
        }

        if (!options.Targets.Any(target => target.Actuator == "kubernetes"))
            return;
        try
        {
            var actuator = KubernetesActuator.Create(options.KubeConfig, options.ActuatorTimeout);
            services.AddSingleton<IActuator>(_ => actuator);
        }
        catch (ActuatorException e)
        {
            throw new RoleConfigurationException(RoleName, e.Message);
        }
    }
}
