# Copyright 2026 inril_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""Training of a run's classifier, and its errors in words."""

from dataclasses import asdict, dataclass, field
from typing import TYPE_CHECKING

from inril_ros.cli.reward.error_table import errors_before_use
from inril_ros.cli.run.progress import Reporter
from inril_ros.data.record_files import write_json
from inril_ros.data.run.estimates import most_errors, success_rate, trials_without_error
from inril_ros.data.run.run_directory import RunDirectory
from inril_ros.learning.judge.frame_labels import LabelRule
from inril_ros.robot.contract.contract import load_contract

if TYPE_CHECKING:
    from inril_ros.learning.judge.judge_errors import JudgeErrors


@dataclass(frozen=True)
class JudgeChoice:
    """What a person may choose about a classifier.

    Attributes:
        bound: Share of episodes that may falsely be a success.
        needed: Images that must show success ...
        of: ... of so many in a row.
        labels: What the images of an episode show by their times.
        steps: Gradient steps.
        seed: Seed of everything random.
    """

    bound: float = 0.02
    needed: int = 3
    of: int = 3
    labels: LabelRule = field(default_factory=LabelRule)
    steps: int = 600
    seed: int = 0


def train_judge(run: RunDirectory, reporter: Reporter, choice: JudgeChoice, device: str) -> None:
    """Train the classifier of a run on its bags, and say how often it errs.

    It is trained once for each part of the episodes, without it, to count errors; and once on all.

    Args:
        run: The run.
        reporter: Where its errors are said.
        choice: How it is trained.
        device: auto, cpu, cuda ...

    Raises:
        ValueError: There is too little to learn from.
    """
    import torch

    from inril_ros.cli.reward.errors_picture import write_errors_picture
    from inril_ros.cli.reward.judge_folder import JudgeFolder
    from inril_ros.cli.reward.labelled_bags import bags_of_run
    from inril_ros.learning.device import select_device
    from inril_ros.learning.judge.judge import JudgeModel
    from inril_ros.learning.judge.judge_config import JudgeConfig, JudgeTraining
    from inril_ros.learning.judge.judge_fit import fit_judge
    from inril_ros.learning.judge.verdict_rule import VerdictRule

    torch.set_num_threads(1)
    contract, folder = load_contract(run.contract), JudgeFolder(run)
    rule = VerdictRule(needed=choice.needed, of=choice.of)
    training = JudgeTraining(steps=choice.steps)
    bags = bags_of_run(run, folder, choice.labels, reporter.say)
    episodes = [bag.episode for bag in bags]
    with reporter.bar('train', (training.folds + 1) * choice.steps, 'steps') as bar:
        fit = fit_judge(
            episodes, JudgeConfig.of_images(contract.image_shape), training, rule,
            most_errors(choice.bound, len(episodes)), choice.seed, select_device(device),
            bar.update)
    facts = {'episodes': [*dict.fromkeys(bag.bag for bag in bags)],
             'labels': asdict(choice.labels),
             'bound': choice.bound, 'errors': asdict(fit.errors)}
    folder.path.mkdir(exist_ok=True)
    JudgeModel(fit.judge, fit.rule, tuple(contract.policy_cameras), contract.hash, facts).save(
        folder.model, replace=True)
    write_json(folder.training, {**facts, 'rule': asdict(fit.rule), 'seed': choice.seed,
                                 'judged': [asdict(each) for each in fit.episodes]}, replace=True)
    write_errors_picture(folder.picture, episodes, fit.episodes, fit.rule.threshold)
    reporter.say(f'success: {choice.needed} of {choice.of} images with a probability of '
                 f'{fit.rule.threshold:.3f}')
    tell_errors(reporter, fit.errors, choice.bound)
    wrong = [each.name for each in fit.episodes if each.before >= fit.rule.threshold]
    if wrong:
        reporter.say(f'falsely or too early: {", ".join(wrong)}; inril reward label {run.path} '
                     f'{wrong[0]} shows whether its label is right')
    reporter.say(f'{folder.model}; the worst frames: {folder.picture}')


def tell_errors(reporter: Reporter, errors: 'JudgeErrors', bound: float) -> None:
    """Say how often a judge erred, with intervals, and how sure that is."""
    for error in errors_before_use(errors):
        reporter.say(f'{error.words}: {error.wrong} of {error.share.n}, {error.percent}')
    number = errors.failures + errors.successes
    if success_rate(errors.false + errors.early, number).high > bound:
        reporter.say(f'that false successes stay within {100 * bound:g} % is not known yet: '
                     f'{trials_without_error(bound)} episodes without one would show it, here are '
                     f'{number}')
