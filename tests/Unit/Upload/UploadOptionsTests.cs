using EventStream.Hosting;
using EventStream.Upload;

namespace EventStream.Unit.Tests.Upload;

public sealed class UploadOptionsTests
{
    [Fact]
    public void Every_wrong_setting_is_named_at_once()
    {
        var e = Assert.Throws<RoleConfigurationException>(() =>
            Read(
                ("Upload:MaxSizeBytes", "much"),
                ("Upload:ExpiresAfter", "-1"),
                ("Upload:OpenUploadsMax", "0"),
                ("Upload:CreationsPerMinuteMax", "99999999999"),
                ("Upload:BytesPerPublisherMax", "all"),
                ("Upload:PartialBytesMin", "-5"),
                ("Upload:KiBPerSecondMax", "127")
            )
        );
        foreach (
            var setting in (string[])
                [
                    "Upload:MaxSizeBytes",
                    "Upload:ExpiresAfter",
                    "Upload:OpenUploadsMax",
                    "Upload:CreationsPerMinuteMax",
                    "Upload:BytesPerPublisherMax",
                    "Upload:PartialBytesMin",
                    "Upload:KiBPerSecondMax",
                ]
        )
            Assert.Contains(setting, e.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void The_console_may_upload_under_both_names_of_this_machine() =>
        Assert.Equal(["http://127.0.0.1:7000", "http://localhost:7000"], Read().AllowedOrigins);

    private static UploadOptions Read(params (string Key, string Value)[] settings) =>
        RoleOptions.Read(
            "upload",
            RoleHost.ReadConfiguration(null, settings.ToDictionary(s => s.Key, s => (string?)s.Value)),
            UploadOptions.Read
        );
}
