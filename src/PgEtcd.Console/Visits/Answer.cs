using Microsoft.AspNetCore.Components;

namespace PgEtcd.Console.Visits;

/// <summary>The answer of a page.</summary>
internal abstract record Answer;

/// <summary>A component in the frame that all pages share.</summary>
/// <param name="Title">The page's title.</param>
/// <param name="Component">A <see cref="View{T}"/>.</param>
/// <param name="Model">What it shows.</param>
internal sealed record PageAnswer(string Title, Type Component, object Model) : Answer
{
    /// <summary>HTTP's status.</summary>
    public int Status { get; init; } = StatusCodes.Status200OK;
}

/// <summary>A component by itself, which a script puts into a page.</summary>
internal sealed record FragmentAnswer(Type Component, object Model) : Answer;

/// <summary>Another address.</summary>
internal sealed record RedirectAnswer(string Address) : Answer;

/// <summary>What is written in another way.</summary>
internal sealed record StreamAnswer(Func<HttpContext, Task> WriteAsync) : Answer;

/// <summary>A page.</summary>
internal interface IPage
{
    /// <summary>Shows it.</summary>
    Task<Answer> GetAsync(Visit visit);
}

/// <summary>A page whose form can be sent.</summary>
internal interface IFormPage : IPage
{
    /// <summary>Takes the form, which comes from a page of ours.</summary>
    Task<Answer> PostAsync(Visit visit, IFormCollection form);
}

/// <summary>A component that shows a model.</summary>
public abstract class View<T> : ComponentBase
{
    /// <summary>What is shown.</summary>
    [Parameter]
    [EditorRequired]
    public T Model { get; set; } = default!;

    /// <summary>The request.</summary>
    [CascadingParameter]
    internal Visit Visit { get; set; } = null!;
}
