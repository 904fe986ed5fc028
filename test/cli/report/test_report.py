# Copyright 2026 inril_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""The report says what the records say, says what is missing, and needs nothing but itself."""

from html.parser import HTMLParser
import json
import re

import pytest
from sample_run import rescue, write_sample_run

from inril_ros.cli.report.page import write_report
from inril_ros.cli.report.summary import headline
from inril_ros.data.record_files import JsonLines, read_json, read_json_lines, RecordError
from inril_ros.data.run.estimates import success_rate
from inril_ros.data.run.run_directory import RunDirectoryError
from inril_ros.data.run.run_record import read_run, running_success

VOID = {'meta', 'path', 'use', 'br', 'link', 'img', 'input', 'hr'}


class Page(HTMLParser):
    """The text of a page, its tags, its paths and their boxes; refuses tags that don't close."""

    def __init__(self, path):
        super().__init__()
        self.open, self.words, self.tags, self.paths, self.counts = [], [], [], [], {}
        self.feed(path.read_text(encoding='utf-8'))
        assert self.open == []
        self.text = ' '.join(' '.join(self.words).replace('\u202f', ' ').split())

    def handle_starttag(self, tag, attributes):
        self.tags.append((tag, dict(attributes)))
        if tag == 'svg':
            self.box = [float(text) for text in dict(attributes)['viewbox'].split()]
        if tag == 'path' and 'defs' not in self.open:  # there they are the shapes of markers
            self.paths.append((dict(attributes)['d'], self.box))
        if tag not in VOID:
            self.open.append(tag)

    def handle_endtag(self, tag):
        assert tag in VOID or self.open.pop() == tag

    def handle_data(self, data):
        if 'style' not in self.open:
            self.words.append(data)


def change(path, **content):
    path.write_text(json.dumps({**read_json(path), **content}))


def test_it_opens_with_what_came_out(sample_run):
    page = Page(write_report(sample_run.path))
    before = read_json(sample_run.evaluation('pretrained'))
    after = read_json(sample_run.evaluation('finetuned'))
    assert 'pick-place: success rose' in page.text
    assert f'From {100 * before["success"]:.0f} % to {100 * after["success"]:.0f} %' in page.text
    assert f'{100 * before["low"]:.0f} to {100 * before["high"]:.0f} %, 50 episodes' in page.text
    assert 'from the same 50 initial states' in page.text


@pytest.mark.parametrize(('key', 'value', 'reason'), [
    ('steps', 'many', 'steps: '), ('loss', ['low'] * 3, 'loss.0: '), ('steps', [1], 'losses at 1'),
    ('loss', [float('nan')], 'loss.0: ')])
def test_a_curve_that_is_none_is_refused_with_its_place(sample_run, key, value, reason):
    change(sample_run.pretrain_record, **{key: value})
    with pytest.raises(RecordError, match=f'pretrain.json:(.|\n)*{reason}'):
        write_report(sample_run.path)


@pytest.mark.parametrize(('before', 'after', 'verdict'), [
    (0.9, 0.2, 'success fell'), (0.5, 0.5, 'no clear change in success')])
def test_a_result_that_is_no_success_is_told_as_it_is(tmp_path, before, after, verdict):
    run = write_sample_run(tmp_path / 'run', before, after)
    assert f'pick-place: {verdict}' in Page(write_report(run.path)).text


def test_rates_are_counted_from_the_episodes_not_taken_over(sample_run):
    change(sample_run.evaluation('finetuned'), success=1.0, low=0.99, high=1.0)
    page = Page(write_report(sample_run.path))
    episodes = read_json(sample_run.evaluation('finetuned'))['episodes']
    counted = success_rate(sum(episode['success'] for episode in episodes), len(episodes))
    assert f'to {100 * counted.value:.0f} %' in page.text
    assert '100 %, 50 episodes' not in page.text


def test_the_judged_versions_are_told_and_which_is_kept(sample_run):
    page = Page(write_report(sample_run.path))
    assert 'clone 0 4 of 10 40 % 17 to 69 %' in page.text
    assert '40 20 000 9 of 10 90 % 60 to 98 % kept' in page.text
    assert '80 40 000 5 of 10 50 % 24 to 76 %' in page.text
    assert page.text.count(' kept 80') == 1
    sample_run.judgements.unlink()  # no version was judged
    assert 'lower bound' not in Page(write_report(sample_run.path)).text


def test_each_initial_state_is_compared(sample_run):
    page = Page(write_report(sample_run.path))
    before, after = (
        [episode['success'] for episode in read_json(sample_run.evaluation(name))['episodes']]
        for name in ('pretrained', 'finetuned'))
    pairs = list(zip(before, after, strict=True))
    assert (f'{pairs.count((False, True))} learned, {pairs.count((True, True))} kept, '
            f'{pairs.count((True, False))} lost, {pairs.count((False, False))} never.'
            ) in page.text.replace(' ,', ',')


def test_other_initial_states_are_not_compared(sample_run):
    episodes = read_json(sample_run.evaluation('finetuned'))['episodes']
    change(sample_run.evaluation('finetuned'),
           episodes=[{**episode, 'seed': episode['seed'] + 1} for episode in episodes])
    page = Page(write_report(sample_run.path))
    assert 'Two evaluations from the same initial states: not in the records' in page.text
    assert 'from the same 50' not in page.text and 'success rose' in page.text


def test_counters_timing_and_refusals_are_told(sample_run):
    text = Page(write_report(sample_run.path)).text
    for expected in ('RL updates 10 000', 'imitation updates 2 000', 'what is imitated both',
                     'RL updates per imitation update (m) 5', 'versions refused 1',
                     'transitions acknowledged 10 210', 'allowed 0.5 1', 'fine-tuning 4 min 23 s',
                     'more than 1.5 periods', 'period, 12.5 ms'):
        assert expected in text, expected


def test_it_tells_minutes_of_robot_and_person_and_the_time_per_reset(sample_run):
    page = Page(write_report(sample_run.path))
    # 40,000 steps at 80 Hz and 300 resets; 2,400 steps of a person and 308 resets.
    for expected in ('58 min 20 s time of the robot, with resets', '51 min 50 s time of a person',
                     'time per reset 10 s', 'steps per second of the robot 80',
                     'episodes of learning, each with a reset 300', 'minutes of the robot'):
        assert expected in page.text, expected
    summary = read_json(sample_run.summary)
    assert headline(summary).endswith(
        '40000 environment steps: 58 min 20 s of the robot and 51 min 50 s of a person, at 80 '
        'steps per second and 10 s per reset)')


def test_it_tells_where_settings_come_from(sample_run):
    text = Page(write_report(sample_run.path)).text
    assert 'm 5 (file dppo.yaml)' in text and 'imitation_source both (option)' in text
    assert '(default)' not in text


def test_it_needs_nothing_but_itself(sample_run):
    path = write_report(sample_run.path)
    tags = Page(path).tags
    assert not {tag for tag, _ in tags} & {'link', 'script', 'img', 'iframe', 'object'}
    assert not [attributes for _, attributes in tags if {'src', 'href'} & attributes.keys()]
    assert not re.search(r'https?:|url\(|@import', path.read_text())


def test_every_plot_is_inside_its_box(sample_run):
    paths = Page(write_report(sample_run.path)).paths
    assert len(paths) > 20 and all(paths)
    for path, (left, top, width, height) in paths:
        numbers = [float(text) for text in re.findall(r'-?[\d.]+', path)]
        assert all(left <= x <= left + width for x in numbers[::2])
        assert all(top <= y <= top + height for y in numbers[1::2])
        assert 'n' not in path  # nan, none, inf


def test_words_of_the_records_are_words_not_markup(sample_run):
    run = read_json(sample_run.path / 'run.json')
    change(sample_run.path / 'run.json', task='<script>alert(1)</script>')
    rows = read_json_lines(sample_run.weights)
    sample_run.weights.unlink()
    with JsonLines(sample_run.weights) as lines:
        lines.append({**rows[0], 'refused': '<b>&amp;'})
    page = Page(write_report(sample_run.path))
    assert 'script' not in {tag for tag, _ in page.tags}
    assert '<script>alert(1)</script>' in page.text and '<b>&amp;' in page.text
    assert run['task'] not in page.text


PARTS = {
    'summary.json': None, 'stages.json': None,
    'pretrained/pretrain.json': None, 'finetune/result.json': None,
    'evaluations/pretrained.json': 'has not been evaluated both before and after',
    'evaluations/finetuned.json': 'has not been evaluated both before and after',
    'finetune/episodes.jsonl': 'Training episodes: not in the records',
    'finetune/metrics.jsonl': None,
    'finetune/weights.jsonl': 'Versions of the weights: not in the records'}


@pytest.mark.parametrize(('name', 'said'), PARTS.items())
def test_a_missing_file_is_said_to_be_missing(sample_run, name, said):
    (sample_run.path / name).unlink()
    text = Page(write_report(sample_run.path)).text
    assert f'Files the run does not have: {name}.' in text
    assert said is None or said in text


def test_a_run_that_has_just_begun_has_a_report_without_results(sample_run):
    for name in PARTS:
        (sample_run.path / name).unlink()
    page = Page(write_report(sample_run.path))
    assert page.text.count('not in the records of this run') == 6
    assert page.text.count('not evaluated') == 2
    assert not page.paths


def test_lockstep_has_long_gaps_but_no_late_ones(sample_run):
    for name in ('pretrained', 'finetuned'):
        actuation = read_json(sample_run.evaluation(name))['actuation']
        change(sample_run.evaluation(name), actuation={**actuation, 'misses': 0})
    assert Page(write_report(sample_run.path)).text.count('more than 1.5 periods') == 1
    control = read_json(sample_run.result)['control']
    change(sample_run.result, control={**control, 'misses': 0})
    assert 'more than 1.5 periods' not in Page(write_report(sample_run.path)).text


def test_a_version_of_which_only_the_arrival_is_known_has_no_delay(sample_run):
    sample_run.weights.unlink()
    with JsonLines(sample_run.weights) as lines:
        lines.append({'version': 1, 'published': None, 'applied': 5.0, 'refused': '',
                      'receive_seconds': 0.02, 'verify_seconds': 0.01, 'swap_seconds': 0.001})
        lines.append({'version': 2, 'published': 6.0, 'applied': 6.03, 'refused': '',
                      'receive_seconds': 0.02, 'verify_seconds': 0.01, 'swap_seconds': 0.001})
    assert 'published to applied 30 ms 30 ms 30 ms' in Page(write_report(sample_run.path)).text


def test_a_run_without_imitation_says_so(sample_run):
    change(sample_run.summary, m=None, il_updates=0)
    assert 'RL updates per imitation update (m) no imitation' in Page(
        write_report(sample_run.path)).text


def test_the_report_is_written_anew(sample_run):
    first = write_report(sample_run.path).read_text()
    assert write_report(sample_run.path).read_text() == first


def test_a_folder_without_a_run_has_no_report(tmp_path):
    with pytest.raises(RunDirectoryError, match='holds no run'):
        write_report(tmp_path)
    assert not list(tmp_path.iterdir())


def test_running_success_counts_whole_windows_of_judged_episodes():
    outcomes = ['success', 'aborted', 'time_limit', 'success', 'failure', 'success']
    episodes = [{'outcome': outcome, 'env_steps': 100 * number}
                for number, outcome in enumerate(outcomes, start=1)]
    running = running_success(episodes, window=2)
    assert running.env_steps.tolist() == [300, 400, 500, 600]
    assert running.rate.tolist() == [0.5, 0.5, 0.5, 0.5]
    assert (running.low < running.rate).all() and (running.rate < running.high).all()
    assert running_success(episodes, window=3).rate == pytest.approx([2 / 3, 1 / 3, 2 / 3])
    assert len(running_success(episodes, window=6).rate) == 0


def test_an_episode_that_a_person_rescued_is_no_success_and_is_counted(sample_run):
    before = Page(write_report(sample_run.path))
    assert 'rescued' not in before.text and "person's help" not in before.text
    successes = sum(row['outcome'] == 'success' for row in read_json_lines(sample_run.episodes))
    won, helped = rescue(sample_run, 3)
    page = Page(write_report(sample_run.path))
    assert f'{successes - won} success' in page.text
    assert f'{won} rescued by a person' in page.text
    assert f"{helped} more succeeded with a person's help" in page.text
    assert 'success without a person' in page.text


def test_an_episode_that_a_person_rescued_does_not_raise_the_curve():
    won = [{'outcome': 'success', 'env_steps': step, 'person_ticks': step % 2}
           for step in range(8)]
    assert running_success(won, window=2).rate.tolist() == [0.5] * 7


def test_the_record_of_a_run_is_read_back(sample_run):
    record = read_run(sample_run.path)
    assert record.missing == ()
    assert record.run['task'] == 'pick-place'
    assert len(record.weights) == 80 and len(record.metrics) == 501
    assert record.metrics[0]['rl_loss'] is None
