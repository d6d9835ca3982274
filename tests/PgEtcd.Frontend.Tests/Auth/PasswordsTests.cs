using System.Diagnostics;
using System.Text;
using PgEtcd.Frontend.Auth;
using PgEtcd.Frontend.Permissions;
using PgEtcd.Postgres.Auth;
using Shouldly;
using Xunit;

namespace PgEtcd.Frontend.Tests.Auth;

/// <summary>Passwords and their hashes.</summary>
public sealed class PasswordsTests
{
    private readonly Passwords _passwords = new(cost: 4);

    [Theory]
    [InlineData("U*U", "$2a$05$CCCCCCCCCCCCCCCCCCCCC.E5YPO9kmyuRGyh0XouQYb4YMJKvyOeW")]
    [InlineData("", "$2a$05$CCCCCCCCCCCCCCCCCCCCC.7uG0VCzI2bS7j6ymqJi9CdcdxiRTWNy")]
    [InlineData("U*U", "$2y$05$CCCCCCCCCCCCCCCCCCCCC.E5YPO9kmyuRGyh0XouQYb4YMJKvyOeW")]
    [InlineData("U*U", "$2a$05$CCCCCCCCCCCCCCCCCCCCC/E5YPO9kmyuRGyh0XouQYb4YMJKvyOeW")] // bits of the salt's last letter that mean nothing
    [InlineData("hello", "$2b$04$abcdefghijklmnopqrstuuwHJMEGjfAzmL1lWmUmlphguIbWfjYey")]
    public async Task Hashes_of_other_implementations_are_understood(string password, string hash)
    {
        (await _passwords.VerifyAsync(Encoding.ASCII.GetBytes(hash), password)).ShouldBe(true);
        (await _passwords.VerifyAsync(Encoding.ASCII.GetBytes(hash), password + "x")).ShouldBe(false);
    }

    [Theory]
    [InlineData("")]
    [InlineData("pässword €")]
    [InlineData("ÿÿ£ÿ£34ÿÿÿ£345")]
    [InlineData("with a \0 in it")]
    [InlineData("pppppppppppppppppppppppppppppppppppppppppppppppppppppppppppppppppppppppp")]
    public async Task Only_the_right_password_matches_a_hash(string password)
    {
        byte[] hash = await _passwords.HashAsync(password);

        (await _passwords.VerifyAsync(hash, password)).ShouldBe(true);
        (await _passwords.VerifyAsync(hash, password)).ShouldBe(true, "remembered");
        (await _passwords.VerifyAsync(hash, "x" + password)).ShouldBe(false);
        (await _passwords.HashAsync(password)).ShouldNotBe(hash);
    }

    [Fact]
    public async Task A_zero_byte_does_not_end_a_password()
    {
        byte[] hash = await _passwords.HashAsync("a\0b");

        (await _passwords.VerifyAsync(hash, "a\0c")).ShouldBe(false);
        (await _passwords.VerifyAsync(hash, "a")).ShouldBe(false);
    }

    /// <summary>Such a password cannot be set, but etcd logs in with it: bcrypt looks at 72 bytes.</summary>
    [Fact]
    public async Task A_login_beyond_72_bytes_counts_as_its_first_72()
    {
        byte[] hash = await _passwords.HashAsync(new string('p', 72));

        (await _passwords.VerifyAsync(hash, new string('p', 1000))).ShouldBe(true);
        (await _passwords.VerifyAsync(hash, new string('p', 71))).ShouldBe(false);
    }

    [Fact]
    public async Task A_hash_has_etcds_form_and_the_requested_cost()
    {
        Passwords dearer = new(cost: 5);
        string hash = Encoding.ASCII.GetString(await dearer.HashAsync("x"));

        hash.ShouldStartWith("$2a$05$");
        hash.Length.ShouldBe(60);
    }

    [Theory]
    [InlineData("")]
    [InlineData("nonsense")]
    [InlineData("$2a$04$short")]
    [InlineData("$2a$99$CCCCCCCCCCCCCCCCCCCCC.E5YPO9kmyuRGyh0XouQYb4YMJKvyOeW")]
    [InlineData("$2a$03$CCCCCCCCCCCCCCCCCCCCC.E5YPO9kmyuRGyh0XouQYb4YMJKvyOeW")]
    [InlineData("$2a$ 5$CCCCCCCCCCCCCCCCCCCCC.E5YPO9kmyuRGyh0XouQYb4YMJKvyOeW")]
    [InlineData("$2a$05$CCCC=CCCCCCCCCCCCCCCC.E5YPO9kmyuRGyh0XouQYb4YMJKvyOeW")]
    [InlineData("$2a$05$CCCCCCCCCCCCCCCCCCCCC.7uG0VCzI2bS7j6ymqJi9CdcdxiRTWNy\n")]
    [InlineData("$pbkdf2-sha256$1$00$00")]
    public async Task An_invalid_hash_matches_no_password(string hash)
    {
        (await _passwords.VerifyAsync(Encoding.ASCII.GetBytes(hash), "")).ShouldBe(false);
        (await _passwords.VerifyAsync(Encoding.ASCII.GetBytes(hash), hash)).ShouldBe(false);
    }

    /// <summary>Fault C14.</summary>
    [Theory]
    [InlineData(null, 4)]
    [InlineData(11, 11)]
    public async Task A_login_of_a_nonexistent_user_takes_as_long_as_that_of_an_existing_one(int? userCost, int cost)
    {
        Passwords dearer = new(cost);
        byte[] hash = await dearer.HashAsync("x");
        TimeSpan known = await ShortestAsync(() => dearer.VerifyAsync(hash, "y"));
        TimeSpan unknown = await ShortestAsync(() => _passwords.SpendAsync(userCost, "y"));

        unknown.ShouldBeInRange(known / 4, known * 4);
    }

    /// <summary>Fault C14.</summary>
    [Fact]
    public void Names_without_a_user_cost_as_much_as_users()
    {
        byte[] cheap = Hash("05");
        byte[] dear = Hash("12");
        UserRecord[] users = [
            .. Enumerable.Range(0, 100).Select(i => new UserRecord($"user{i}", i < 25 ? dear : cheap, HasNoPassword: false, []))];
        UserCosts costs = new(new AuthState(new AuthRecords { Users = [.. users, new UserRecord("none", [], HasNoPassword: false, [])] }));
        int?[] spent = [.. Enumerable.Range(0, 1000).Select(i => costs.Like($"nobody{i}"))];

        spent.Count(cost => cost == 12).ShouldBeInRange(200, 300);
        spent.Count(cost => cost == 5).ShouldBeInRange(700, 800);
        costs.Like("nobody1").ShouldBe(costs.Like("nobody1"));
        new UserCosts(AuthState.Empty).Like("nobody").ShouldBeNull();

        static byte[] Hash(string cost) => Encoding.ASCII.GetBytes($"$2a${cost}$CCCCCCCCCCCCCCCCCCCCC.E5YPO9kmyuRGyh0XouQYb4YMJKvyOeW");
    }

    private static async Task<TimeSpan> ShortestAsync(Func<Task> work)
    {
        TimeSpan shortest = TimeSpan.MaxValue;
        for (int i = 0; i < 5; i++)
        {
            Stopwatch watch = Stopwatch.StartNew();
            await work();
            shortest = watch.Elapsed < shortest ? watch.Elapsed : shortest;
        }

        return shortest;
    }

    [Fact]
    public async Task Many_checks_at_once_do_not_block_each_other_for_ever()
    {
        byte[] hash = await _passwords.HashAsync("x");
        bool?[] answers = await Task.WhenAll(Enumerable.Range(0, 100).Select(i => _passwords.VerifyAsync(hash, i % 2 == 0 ? "x" : $"{i}")));

        answers.Count(isRight => isRight == true).ShouldBe(50);
    }

    /// <summary>Fault A6: there was one queue for all clients.</summary>
    [Fact]
    public async Task A_thousand_guesses_from_one_address_delay_no_login_from_another()
    {
        Passwords dear = new(cost: 10);
        byte[] hash = await dear.HashAsync("x");
        int done = 0;
        Task<bool?>[] flood = [.. Enumerable.Range(0, 1000).Select(
            i => dear.VerifyAsync(hash, $"{i}", "ipv4:192.0.2.1", () => Interlocked.Increment(ref done) > 0))];
        int before = done;
        (await dear.VerifyAsync(hash, "x", "ipv4:192.0.2.2")).ShouldBe(true);
        (done - before).ShouldBeLessThan(20);
        flood.Count(guess => guess.IsCompletedSuccessfully && guess.Result is null).ShouldBeInRange(700, 750);
    }

    [Fact]
    public async Task A_check_that_may_not_begin_is_skipped()
    {
        byte[] hash = await _passwords.HashAsync("x");
        (await _passwords.VerifyAsync(hash, "x", "ipv4:192.0.2.1", () => false)).ShouldBeNull();
        (await _passwords.VerifyAsync(hash, "x", "ipv4:192.0.2.1", () => true)).ShouldBe(true);
        (await _passwords.VerifyAsync(hash, "x", "ipv4:192.0.2.1", () => false)).ShouldBe(true, "it is known");
    }
}
