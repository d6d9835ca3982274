using System.Text;
using PgEtcd.Server.Hosting;
using Shouldly;
using Xunit;

namespace PgEtcd.Server.Tests.Hosting;

public sealed class CommandLineSecretsTests
{
    [Theory]
    [InlineData("pgetcd|--database|postgres://u:p@h|--name|a|", "pgetcd|--database|****************|--name|a|")]
    [InlineData("pgetcd|--database=secret|--name=a|", "pgetcd|--database=******|--name=a|")]
    [InlineData("pgetcd|-database=a=b|", "pgetcd|-database=***|")]
    [InlineData("pgetcd|-database|--database|--database|b|", "pgetcd|-database|**********|--database|*|")]
    [InlineData("database|a|", "database|a|")]
    [InlineData("pgetcd|--database", "pgetcd|--database")]
    [InlineData("pgetcd|--databases=a|--data-dir|/a|", "pgetcd|--databases=a|--data-dir|/a|")]
    [InlineData("", "")]
    public void Only_the_address_is_hidden(string before, string after)
    {
        byte[] arguments = Encoding.ASCII.GetBytes(before.Replace('|', '\0'));
        CommandLineSecrets.CoverSecrets(arguments).ShouldBe(before != after);
        Encoding.ASCII.GetString(arguments).Replace('\0', '|').ShouldBe(after);
    }
}
