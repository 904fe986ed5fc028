# Copyright 2026 inril_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""``inril reward``: labels of frames, training of the judge, and its errors."""

from dataclasses import replace
from pathlib import Path
import re
from typing import Annotated, TYPE_CHECKING

from rich.box import SIMPLE_HEAD
from rich.console import Console
from rich.table import Table
import typer

from inril_ros.cli.reward.collect import collect
from inril_ros.cli.reward.training import JudgeChoice, tell_errors, train_judge
from inril_ros.cli.run.progress import Reporter
from inril_ros.data.run.estimates import success_rate
from inril_ros.data.run.run_directory import RunDirectory
from inril_ros.data.run.settings import UsageError
from inril_ros.learning.judge.frame_labels import LabelRule
from inril_ros.robot.contract.contract import load_contract

if TYPE_CHECKING:
    from inril_ros.cli.reward.labelled_bags import BagOfEpisode

app = typer.Typer(
    no_args_is_help=True, rich_markup_mode='rich',
    help="Train a classifier that sees success in the policy's cameras, and count its errors.\n\n"
         'It learns from the bags of a run: the end of each success shows it, all before and all '
         'of a failure does not. Failures are attempts that ended with the key of failure or by '
         'the time limit: of a person (demonstrations/rejected), or of the clone (collect).\n\n'
         '  [bold]inril reward collect RUN[/bold] records failures of the clone\n\n'
         "  [bold]inril reward label RUN[/bold]   what each episode teaches, and a person's "
         'corrections\n\n'
         '  [bold]inril reward train RUN[/bold]   train it, choose its threshold\n\n'
         '  [bold]inril reward check RUN[/bold]   its errors on episodes that came since')

_Run = Annotated[Path, typer.Argument(help='Folder of the run.')]
_DoneSeconds = Annotated[float, typer.Option(
    min=0.0, help='[s] Images so long before the end of a success show it.')]
_UnknownSeconds = Annotated[float, typer.Option(
    min=0.0, help='[s] Images so long before those are left out.')]
_Span = Annotated[list[str] | None, typer.Option(
    metavar='FIRST:LAST', help='[s] From when to when, since the episode began; repeatable.')]
_SPAN = re.compile(r'(\d+(?:\.\d*)?):(\d+(?:\.\d*)?)')


app.command()(collect)


@app.command()
def label(
    run_dir: _Run,
    episode: Annotated[str, typer.Argument(
        help='Name of a bag, or its number; without it all episodes are listed.')] = '',
    done: _Span = None, not_done: _Span = None, unknown: _Span = None,
    done_seconds: _DoneSeconds = LabelRule.done_seconds,
    unknown_seconds: _UnknownSeconds = LabelRule.unknown_seconds,
) -> None:
    """List what the frames of each episode show, or correct it.

    Corrections are added to judge/labels.jsonl; the last one counts, and nothing is overwritten.
    """
    from inril_ros.cli.reward.judge_folder import JudgeFolder, WORDS
    from inril_ros.cli.reward.label_sheet import write_label_sheet
    from inril_ros.cli.reward.labelled_bags import bags_of_run
    from inril_ros.learning.judge.frame_labels import corrected, Correction, DONE

    run = RunDirectory.open(run_dir)
    folder, reporter = JudgeFolder(run), Reporter()
    spans = [(*_seconds(span), name) for name, given in (
        ('done', done), ('not done', not_done), ('unknown', unknown)) for span in given or ()]
    bags = bags_of_run(run, folder, LabelRule(done_seconds, unknown_seconds), reporter.say)
    if not episode:
        if spans:
            raise UsageError('--done, --not-done and --unknown need the name of an episode')
        _list(bags)
        return
    bag = _named(bags, episode)
    name, shown = bag.episode.name, bag.episode
    if spans:
        labels = corrected(shown.labels, bag.times, [
            Correction(first, last, WORDS[word]) for first, last, word in spans])
        shown = replace(shown, labels=labels, success=bool((labels == DONE).any()))
        folder.add(name, spans)
    folder.path.mkdir(exist_ok=True)
    picture = folder.path / f'{name}.png'
    write_label_sheet(picture, name, bag.times, shown)
    typer.echo(picture)


@app.command()
def train(
    run_dir: _Run,
    bound: Annotated[float, typer.Option(
        min=0.001, max=0.5,
        help='Share of episodes that may falsely be a success.')] = JudgeChoice.bound,
    needed: Annotated[int, typer.Option(
        min=1, help='Images that must show success ...')] = JudgeChoice.needed,
    of: Annotated[int, typer.Option(min=1, help='... of so many in a row.')] = JudgeChoice.of,
    done_seconds: _DoneSeconds = LabelRule.done_seconds,
    unknown_seconds: _UnknownSeconds = LabelRule.unknown_seconds,
    steps: Annotated[int, typer.Option(min=1, help='Gradient steps.')] = JudgeChoice.steps,
    seed: Annotated[int, typer.Option(
        min=0, help='Seed of everything random.')] = JudgeChoice.seed,
    device: Annotated[str, typer.Option(help='auto, cpu, cuda or cuda:1 ...')] = 'auto',
) -> None:
    """Train the judge of a run, and measure it on episodes that it has not seen.

    It is trained five times: once for each quarter of the episodes, without it, to count errors;
    and once on all. Of the thresholds at which the false successes don't show a rate beyond the
    bound it takes the one with the fewest errors.
    """
    train_judge(RunDirectory.open(run_dir), Reporter(), JudgeChoice(
        bound, needed, of, LabelRule(done_seconds, unknown_seconds), steps, seed), device)


@app.command()
def check(run_dir: _Run) -> None:
    """Count the errors of the judge on episodes that it has not learned from.

    Of bags, whose frames are labelled as those were that it learned from; and of all episodes that
    it judged in evaluations and fine-tuning, by what the simulator or a person said of them.

    Exit code 1 if its false successes are more than the bound that it was trained for allows.
    """
    from inril_ros.cli.reward.errors_picture import write_errors_picture
    from inril_ros.cli.reward.judge_folder import JudgeFolder
    from inril_ros.cli.reward.judged_live import tell_judged_live
    from inril_ros.cli.reward.labelled_bags import bags_of_run
    from inril_ros.learning.configuration import from_mapping
    from inril_ros.learning.judge.judge import load_judge
    from inril_ros.learning.judge.judge_errors import errors_at, judged_episode

    run, reporter = RunDirectory.open(run_dir), Reporter()
    contract, folder = load_contract(run.contract), JudgeFolder(run)
    model = load_judge(folder.model, contract.hash, list(contract.policy_cameras))
    labels = from_mapping(LabelRule, model.facts['labels'])
    fresh = [bag.episode for bag in bags_of_run(run, folder, labels, reporter.say)
             if bag.bag not in model.facts['episodes']]
    live = tell_judged_live(run, reporter)
    if not fresh and live:
        return
    if not fresh:
        raise UsageError(f'{run.path} has no episode that the judge has not learned from: record '
                         'further failures of the clone (inril reward collect --failures with '
                         'more)')
    judged = [judged_episode(episode, model.judge.probabilities(episode.images), model.rule)
              for episode in fresh]
    errors = errors_at(model.rule.threshold, judged)
    picture = folder.path / 'check.png'
    write_errors_picture(picture, fresh, judged, model.rule.threshold)
    bound = model.facts['bound']
    tell_errors(reporter, errors, bound)
    reporter.say(f'the worst frames: {picture}')
    wrong = success_rate(errors.false + errors.early, len(fresh))
    if wrong.low > bound:
        raise typer.Exit(1)


def _list(bags: list['BagOfEpisode']) -> None:
    from inril_ros.learning.judge.frame_labels import DONE, NOT_DONE, UNKNOWN

    table = Table(box=SIMPLE_HEAD)
    for column in ('episode', 'outcome', 'seconds', 'done', 'not done', 'unknown'):
        table.add_column(column, justify='left' if column in ('episode', 'outcome') else 'right')
    for bag in bags:
        counts = [str(int((bag.episode.labels == label).sum()))
                  for label in (DONE, NOT_DONE, UNKNOWN)]
        table.add_row(bag.episode.name, 'success' if bag.episode.success else 'failure',
                      f'{bag.times[-1]:.1f}', *counts)
    Console(highlight=False).print(table)


def _named(bags: list['BagOfEpisode'], name: str) -> 'BagOfEpisode':
    """Return the bag of this name, or whose name begins with this number."""
    found = [bag for bag in bags if bag.episode.name == name
             or (name.isdigit()
                 and bag.episode.name.split('_')[0].lstrip('0') == name.lstrip('0'))]
    if len(found) != 1:
        raise UsageError(f'{len(found)} episodes are named {name!r}; inril reward label RUN lists '
                         'all')
    return found[0]


def _seconds(span: str) -> tuple[float, float]:
    match = _SPAN.fullmatch(span)
    if match is None:
        raise UsageError(f'{span!r}: give the first and the last second, for example 1.5:2')
    return float(match[1]), float(match[2])
