using System.Security.Cryptography;
using PgEtcd.Server.Tls;
using PgEtcd.Testing;
using PgEtcd.Testing.Tls;
using Shouldly;
using Xunit;

namespace PgEtcd.Server.Tests.Tls;

/// <summary>Certificate revocation lists.</summary>
public sealed class RevocationListTests : IDisposable
{
    private readonly TempDirectory _directory = new("crl");
    private readonly TestAuthority _authority = new();

    private string File => Path.Combine(_directory.Path, "crl");

    [Fact]
    public void DER_PEM_and_several_PEM_lists_are_read()
    {
        IssuedCertificate a = _authority.Client("a");
        IssuedCertificate b = _authority.Client("b");
        IssuedCertificate c = _authority.Client("c");

        System.IO.File.WriteAllBytes(File, _authority.Revoke(a, b));
        Holds(a, b, c).ShouldBe([true, true, false]);
        System.IO.File.WriteAllText(File, "a comment\n" + _authority.RevokePem(b));
        Holds(a, b, c).ShouldBe([false, true, false]);
        System.IO.File.WriteAllText(File, _authority.RevokePem(b) + _authority.Pem + _authority.RevokePem(c));
        Holds(a, b, c).ShouldBe([false, true, true]);
        System.IO.File.WriteAllText(File, _authority.RevokePem());
        Holds(a, b, c).ShouldBe([false, false, false]);
    }

    [Fact]
    public void Anything_that_is_not_a_list_is_refused()
    {
        byte[] list = _authority.Revoke(_authority.Client("a"));
        System.IO.File.WriteAllText(File, _authority.Pem); // a certificate
        ShouldBeRefused();
        System.IO.File.WriteAllText(File, PemEncoding.WriteString("X509 CRL", [1, 2, 3]));
        ShouldBeRefused();
        for (int length = 0; length < list.Length; length++)
        {
            System.IO.File.WriteAllBytes(File, list[..length]);
            ShouldBeRefused();
        }

        Random random = new(1);
        for (int i = 0; i < 2000; i++)
        {
            byte[] changed = [.. list];
            changed[random.Next(changed.Length)] = (byte)random.Next(256);
            System.IO.File.WriteAllBytes(File, changed);
            try
            {
                RevocationList.Read(File); // some changes leave a valid list
            }
            catch (TlsException)
            {
            }
        }
    }

    public void Dispose() => _directory.Dispose();

    private bool[] Holds(params IssuedCertificate[] certificates)
    {
        RevocationList list = RevocationList.Read(File);
        return [.. certificates.Select(one => list.Holds(one.Certificate))];
    }

    private void ShouldBeRefused() =>
        Should.Throw<TlsException>(() => RevocationList.Read(File)).Message.ShouldBe(
            $"--client-crl-file: {File} holds no certificate revocation list.");
}
