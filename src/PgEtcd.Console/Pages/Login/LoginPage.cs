using PgEtcd.Console.Visits;
using PgEtcd.Frontend.Auth;

namespace PgEtcd.Console.Pages.Login;

/// <summary>Logs in an etcd user by name and password, under the same limits as every login.</summary>
internal sealed class LoginPage(ConsoleParts parts) : IFormPage
{
    public Task<Answer> GetAsync(Visit visit) => Task.FromResult<Answer>(visit.Visitor.MustLogIn
        ? Show(null, Visitors.HasToken(visit.Context) ? "Your login has expired. Log in again." : null)
        : new RedirectAnswer(Target(visit)));

    public async Task<Answer> PostAsync(Visit visit, IFormCollection form)
    {
        string name = form["name"].ToString();
        LoginAnswer answer = await LogInAsync(visit, name, form["password"].ToString());
        if (answer.Token is not { } token)
        {
            return Show(name, answer.Failure switch
            {
                LoginFailure.AuthIsOff => "Authentication is off. No login is needed.",
                LoginFailure.TooMany => "Too many wrong passwords. Wait a moment.",
                _ => "Wrong name or password.",
            }) with
            { Status = StatusCodes.Status401Unauthorized };
        }

        Visitors.Remember(visit.Context, token);
        return new RedirectAnswer(Target(visit));
    }

    private async Task<LoginAnswer> LogInAsync(Visit visit, string name, string password)
    {
        try
        {
            return await parts.Auth.LogInAsync(name, password, parts.Peer(visit.Context.Connection));
        }
        catch (Grpc.Core.RpcException)
        {
            return new LoginAnswer(null, LoginFailure.Wrong); // --auth-token is empty: the server makes no tokens
        }
    }

    private static PageAnswer Show(string? name, string? problem) => new("Log in", typeof(LoginView), new LoginModel(name, problem));

    /// <summary>The page to show after the login, which must be one of ours.</summary>
    private static string Target(Visit visit) =>
        visit.Text("to") is { } to
            && (to == Visit.Root || to.StartsWith(Visit.Root + "/", StringComparison.Ordinal)
                || to.StartsWith(Visit.Root + "?", StringComparison.Ordinal))
            && to.All(one => one is > ' ' and < '\x7f' and not '\\')
            ? to
            : Visit.Root;

}

/// <summary>Ends a login in this browser.</summary>
internal sealed class LogoutPage : IFormPage
{
    public Task<Answer> GetAsync(Visit visit) => Task.FromResult<Answer>(new RedirectAnswer(Visit.Root));

    public Task<Answer> PostAsync(Visit visit, IFormCollection form)
    {
        Visitors.Forget(visit.Context);
        return Task.FromResult<Answer>(new RedirectAnswer(Visit.Root));
    }
}

/// <summary>The model of the login page.</summary>
/// <param name="Name">The name as typed.</param>
/// <param name="Problem">Why the login failed; null before the first attempt.</param>
public sealed record LoginModel(string? Name, string? Problem);
