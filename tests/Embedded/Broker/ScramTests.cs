using System.Security.Cryptography;
using System.Text;
using EventStream.Embedded.Broker;
using EventStream.Embedded.Broker.Security;
using FsCheck;
using FsCheck.Fluent;

namespace EventStream.Embedded.Tests.Broker;

/// <summary>SCRAM and PLAIN, message by message, and the users that they authenticate.</summary>
public sealed class ScramTests
{
    private const string Password = "s3cret,=x";
    private static readonly Users Known = Load(new Dictionary<string, string> { ["al=ice"] = Password });

    [Fact]
    public void The_keys_are_those_of_the_example_in_RFC_7677()
    {
        const string Signed =
            "n=user,r=rOprNGfwEbeRWgbNEkqO,"
            + "r=rOprNGfwEbeRWgbNEkqO%hvYDpWUa2RaTCAfuxFIlj)hNlF$k0,s=W22ZaJ0SNY7soEsUEjb6gQ==,i=4096,"
            + "c=biws,r=rOprNGfwEbeRWgbNEkqO%hvYDpWUa2RaTCAfuxFIlj)hNlF$k0";
        var salt = Convert.FromBase64String("W22ZaJ0SNY7soEsUEjb6gQ==");
        var credential = ScramCredential.Create(ScramMechanism.ScramSha256, "pencil", salt, 4096);
        var proof = Convert.FromBase64String("dHzbZapWIk4jUhN+Ute9ytag9zjfMHgsqmmiz7AndVQ=");
        var signature = HMACSHA256.HashData(credential.StoredKey, Encoding.UTF8.GetBytes(Signed));
        var clientKey = proof.Zip(signature, (a, b) => (byte)(a ^ b)).ToArray();
        Assert.Equal(credential.StoredKey, SHA256.HashData(clientKey));
        Assert.Equal(
            "6rriTRBi23WpRR/wtup+mMhUZUn/dB5nLTJRsjl95G4=",
            Convert.ToBase64String(HMACSHA256.HashData(credential.ServerKey, Encoding.UTF8.GetBytes(Signed)))
        );
    }

    [Theory]
    [InlineData(ScramMechanism.ScramSha256)]
    [InlineData(ScramMechanism.ScramSha512)]
    internal void A_client_that_knows_the_password_is_let_in_and_sees_that_the_broker_knows_it(ScramMechanism mechanism)
    {
        var client = new Client(mechanism, "al=3Dice", Password);
        var exchange = new ScramExchange(Known, mechanism);
        var first = exchange.Next(client.First());
        Assert.False(first.Failed);
        Assert.Null(first.User);
        var final = exchange.Next(client.Final(first.Reply));
        Assert.Equal("al=ice", final.User);
        Assert.Equal(client.ExpectedSignature, Encoding.UTF8.GetString(final.Reply));
    }

    [Theory]
    [InlineData("al=3Dice", "wrong")]
    [InlineData("nobody", Password)]
    public void A_wrong_password_and_an_unknown_user_fail_alike_and_late(string user, string password)
    {
        var client = new Client(ScramMechanism.ScramSha256, user, password);
        var exchange = new ScramExchange(Known, ScramMechanism.ScramSha256);
        var first = exchange.Next(client.First());
        Assert.False(first.Failed);
        Assert.Matches("^r=.+,s=[A-Za-z0-9+/=]{32},i=4096$", Encoding.UTF8.GetString(first.Reply));
        Assert.True(exchange.Next(client.Final(first.Reply)).Failed);
    }

    [Fact]
    public void An_unknown_user_is_always_shown_the_same_salt()
    {
        static string Salt()
        {
            var exchange = new ScramExchange(Known, ScramMechanism.ScramSha256);
            return Encoding.UTF8.GetString(exchange.Next("n,,n=nobody,r=abc"u8).Reply).Split(',')[1];
        }
        Assert.Equal(Salt(), Salt());
    }

    [Theory]
    [InlineData("")]
    [InlineData("n,,")]
    [InlineData("p=tls-unique,,n=al=3Dice,r=abc")]
    [InlineData("n,,m=ext,n=al=3Dice,r=abc")]
    [InlineData("n,,n=al=ice,r=abc")]
    [InlineData("n,,n=,r=abc")]
    [InlineData("n,,n=al=3Dice,r=")]
    [InlineData("n,a=bob,n=al=3Dice,r=abc")]
    public void A_first_message_that_asks_for_what_is_not_offered_or_is_malformed_fails(string message) =>
        Assert.True(new ScramExchange(Known, ScramMechanism.ScramSha256).Next(Encoding.UTF8.GetBytes(message)).Failed);

    [Fact]
    public void No_message_makes_an_exchange_throw_or_let_anybody_in()
    {
        var client = new Client(ScramMechanism.ScramSha256, "al=3Dice", Password);
        Prop.ForAll(
                Gen.Choose(0, int.MaxValue).ToArbitrary(),
                seed =>
                {
                    var random = new Random(seed);
                    var scram = new ScramExchange(Known, ScramMechanism.ScramSha256);
                    var first =
                        random.Next(2) == 0 ? scram.Next(client.First()) : scram.Next(Mutate(client.First(), random));
                    var reply = first.Failed ? first : scram.Next(Mutate(client.Final(first.Reply), random));
                    // The letter too many comes first: cut off at its end, this would be the password.
                    var plain = new PlainExchange(Known).Next(
                        Mutate(Encoding.UTF8.GetBytes($"\0al=ice\0x{Password}"), random)
                    );
                    return reply.User is null && plain.User is null;
                }
            )
            .Check(Config.QuickThrowOnFailure.WithMaxTest(50));
    }

    [Fact]
    public void Plain_takes_the_password_and_no_other_name_to_act_as()
    {
        static string? User(string message) => new PlainExchange(Known).Next(Encoding.UTF8.GetBytes(message)).User;
        Assert.Equal("al=ice", User($"\0al=ice\0{Password}"));
        Assert.Equal("al=ice", User($"al=ice\0al=ice\0{Password}"));
        Assert.Null(User($"bob\0al=ice\0{Password}"));
        Assert.Null(User($"\0al=ice\0{Password}x"));
        Assert.Null(User($"\0nobody\0{Password}"));
        Assert.Null(User("\0\0"));
    }

    [Fact]
    public void A_verifier_stands_in_for_the_password()
    {
        var credential = ScramCredential.Create(ScramMechanism.ScramSha512, Password);
        var verifier =
            $"SCRAM-SHA-512$4096:{Convert.ToBase64String(credential.Salt)}"
            + $"${Convert.ToBase64String(credential.StoredKey)}:{Convert.ToBase64String(credential.ServerKey)}";
        var users = Load(new Dictionary<string, string> { ["bob"] = verifier });
        Assert.True(users.Verifies("bob", Password));
        Assert.False(users.Verifies("bob", verifier));
        users.FindOrDecoy("bob", ScramMechanism.ScramSha512, out var isKnown);
        users.FindOrDecoy("bob", ScramMechanism.ScramSha256, out var isKnownOtherwise);
        Assert.Equal((true, false), (isKnown, isKnownOtherwise));
    }

    [Fact]
    public void A_users_file_is_read_with_its_comments_and_a_wrong_line_is_named_without_its_secret()
    {
        var file = Path.GetTempFileName();
        try
        {
            File.WriteAllText(file, "# operators\nann:pass:word\n\n bob:hunter2 \n");
            var users = Users.Load(Options(file));
            Assert.True(users.Verifies("ann", "pass:word"));
            Assert.True(users.Verifies("bob", "hunter2"));
            File.WriteAllText(file, "ann:pass\nhunter2\n");
            var refused = Assert.Throws<BrokerException>(() => Users.Load(Options(file)));
            Assert.Contains("line 2", refused.Message, StringComparison.Ordinal);
            Assert.DoesNotContain("hunter2", refused.Message, StringComparison.Ordinal);
        }
        finally
        {
            File.Delete(file);
        }
    }

    private static SecurityOptions Options(string? file) =>
        new() { Protocol = SecurityProtocol.SaslPlaintext, UsersFile = file };

    private static Users Load(Dictionary<string, string> users) => Users.Load(Options(null) with { Users = users });

    /// <summary>The message changed in at least one place, and never by chance into itself.</summary>
    private static byte[] Mutate(byte[] message, Random random)
    {
        var bytes = message.ToArray();
        for (var changes = random.Next(1, 4); changes > 0; changes--)
        {
            bytes[random.Next(bytes.Length)] ^= (byte)(1 << random.Next(8));
        }
        var changed = random.Next(3) == 0 ? bytes[..random.Next(bytes.Length)] : bytes;
        return changed.SequenceEqual(message) ? [.. message, 0] : changed;
    }

    /// <summary>The other side, written from RFC 5802.</summary>
    private sealed class Client(ScramMechanism mechanism, string user, string password)
    {
        public string ExpectedSignature { get; private set; } = "";

        private string Bare => $"n={user},r=fyko+d2lbbFgONRv9qkxdawL";

        public byte[] First() => Encoding.UTF8.GetBytes("n,," + Bare);

        public byte[] Final(byte[] serverFirst)
        {
            var text = Encoding.UTF8.GetString(serverFirst);
            var parts = text.Split(',');
            var credential = ScramCredential.Create(
                mechanism,
                password,
                Convert.FromBase64String(parts[1][2..]),
                int.Parse(parts[2][2..])
            );
            var final = $"c=biws,{parts[0]}";
            var signed = Encoding.UTF8.GetBytes($"{Bare},{text},{final}");
            var is256 = mechanism == ScramMechanism.ScramSha256;
            var salted = Rfc2898DeriveBytes.Pbkdf2(
                password,
                Convert.FromBase64String(parts[1][2..]),
                int.Parse(parts[2][2..]),
                is256 ? HashAlgorithmName.SHA256 : HashAlgorithmName.SHA512,
                is256 ? 32 : 64
            );
            var clientKey = ScramCredential.Hmac(mechanism, salted, "Client Key"u8);
            var signature = ScramCredential.Hmac(mechanism, credential.StoredKey, signed);
            var proof = clientKey.Zip(signature, (a, b) => (byte)(a ^ b)).ToArray();
            ExpectedSignature =
                "v=" + Convert.ToBase64String(ScramCredential.Hmac(mechanism, credential.ServerKey, signed));
            return Encoding.UTF8.GetBytes($"{final},p={Convert.ToBase64String(proof)}");
        }
    }
}
