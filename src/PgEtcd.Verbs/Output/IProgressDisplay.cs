namespace PgEtcd.Verbs.Output;

/// <summary>Shows how far a long piece of work is.</summary>
internal interface IProgressDisplay
{
    /// <summary>Does one step of the work.</summary>
    /// <param name="what">For the display: "importing".</param>
    /// <param name="total">How much there is to do; 0 when that is not known.</param>
    /// <param name="work">Does it; calls what it is given with how much is done.</param>
    Task<T> StepAsync<T>(string what, long total, Func<Action<long>, Task<T>> work);
}
