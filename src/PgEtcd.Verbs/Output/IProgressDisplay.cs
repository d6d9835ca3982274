namespace PgEtcd.Verbs.Output;

/// <summary>Shows the progress of long work.</summary>
internal interface IProgressDisplay
{
    /// <summary>Runs one step of the work.</summary>
    /// <param name="what">Its name in the display: "importing".</param>
    /// <param name="total">The amount of work; 0 if unknown.</param>
    /// <param name="work">The step, which reports the amount done to its argument.</param>
    Task<T> StepAsync<T>(string what, long total, Func<Action<long>, Task<T>> work);
}
