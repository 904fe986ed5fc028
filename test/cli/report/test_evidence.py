# Copyright 2026 inril_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""The evidence of a run says what the records say, and any change of them is found."""

import json
import shutil

from command_line import inril, refused, succeeded
import pytest
from sample_run import write_sample_run

from inril_ros.cli.evidence.evidence import write_evidence
from inril_ros.data.evidence.manifest import check_evidence, MANIFEST
from inril_ros.data.record_files import JsonLines, read_json, RecordError
from inril_ros.data.run.gate_log import GateCount

FAULTS = [{'fault': 'learner_killed', 'node': 'learner_node', 'longest_command_gap_ms': 50.4,
           'unsafe_commands': 0, 'recovery_s': 3.9, 'needs_human': False}]


@pytest.fixture(scope='module')
def sample(tmp_path_factory):
    folder = tmp_path_factory.mktemp('evidence')
    run = write_sample_run(folder / 'run')
    count = GateCount()
    for tick in range(10):
        count.add(1, ['arm_position smoothed'] if tick % 2 else [])
    count.add(0, ['stall: effort of elbow above 4 for more than 0.2 s', 'tick overrun: 0.5 s'])
    with JsonLines(run.journal / 'gate.jsonl') as file:
        file.append({'episode_id': 'a', 'outcome': 'success', **count.to_json()})
        file.append({'episode_id': 'b', 'outcome': 'failure', **count.to_json()})
    with JsonLines(run.episodes) as file:
        last = json.loads(run.episodes.read_text().splitlines()[-1])
        file.append({**last, 'index': last['index'] + 1, 'outcome': 'aborted', 'saved': False,
                     'cause': 'e-stop: pressed by a person'})
    (folder / 'fault_matrix.json').write_text(json.dumps(FAULTS))
    return run


@pytest.fixture
def run(sample, tmp_path):
    """Return a copy of the run, and write its evidence."""
    copy = type(sample)(tmp_path / 'run', sample.settings)
    shutil.copytree(sample.path, copy.path)
    shutil.copy(sample.path.parent / 'fault_matrix.json', tmp_path)
    write_evidence(copy, copy.path / 'evidence', tmp_path / 'fault_matrix.json')
    return copy


def key_pair(folder, name='key'):
    from cryptography.hazmat.primitives import serialization
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

    private, pem = Ed25519PrivateKey.generate(), serialization.Encoding.PEM
    (folder / f'{name}.pem').write_bytes(private.private_bytes(
        pem, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()))
    (folder / f'{name}.pub').write_bytes(private.public_key().public_bytes(
        pem, serialization.PublicFormat.SubjectPublicKeyInfo))
    return folder / f'{name}.pem', folder / f'{name}.pub'


def test_it_says_what_the_records_say(run):
    told = read_json(run.path / 'evidence' / 'evidence.json')
    assert told['contract']['hash'] == run.settings.contract_hash
    learned = told['gate']['parts']['fine-tuning']
    assert (learned['ticks'], learned['held'], learned['changed']) == (22, 2, 10)
    assert learned['reasons'] == {
        'arm_position smoothed': 10, 'stall: effort of elbow above # for more than # s': 2,
        'tick overrun: # s': 2}
    assert [stop['reason'] for stop in told['episodes']['e_stops']] == [
        'e-stop: pressed by a person']
    assert told['fault_matrix'] == FAULTS
    assert all(len(one['content_hash']) == 64 for one in told['versions']['judged'])
    assert told['computer_now']['software']['python']
    page = (run.path / 'evidence' / 'evidence.html').read_text()
    for words in (run.settings.contract_hash, 'stall: effort of elbow above #', 'learner_killed',
                  'e-stop: pressed by a person', 'is not signed'):
        assert words in page
    assert 'http' not in page.replace('http-equiv', '')


def test_what_was_not_changed_is_found_to_be_as_it_was(run):
    found = check_evidence(run.path / 'evidence', run.path)
    assert found.problems == () and found.signature == ''
    assert found.files == 3 + len(read_json(run.path / 'evidence' / MANIFEST)['inputs'])
    told = succeeded('evidence', 'check', run.path / 'evidence')
    assert 'files are as they were, 0 problems' in told and 'not signed' in told


@pytest.mark.parametrize(('change', 'told'), [
    (lambda run: run.episodes.write_bytes(run.episodes.read_bytes() + b'\n'),
     'finetune/episodes.jsonl: was changed'),
    (lambda run: (run.journal / 'gate.jsonl').unlink(), 'journal/gate.jsonl: is missing'),
    (lambda run: (run.path / 'finetune' / 'more.jsonl').write_text(''),
     'more.jsonl: was not there'),
    (lambda run: (run.path / 'evidence' / 'evidence.html').write_text('all is well'),
     'evidence.html: was changed'),
    (lambda run: ((run.path / 'contract.yaml').unlink(),
                  (run.path / 'contract.yaml').symlink_to(run.settings.contract)),
     'contract.yaml: is missing'),
])
def test_any_change_of_an_input_or_of_the_folder_is_found_and_named(run, change, told):
    change(run)
    assert any(told in problem for problem in check_evidence(
        run.path / 'evidence', run.path).problems)
    status, out, _ = inril('evidence', 'check', run.path / 'evidence')
    assert status == 1 and told in out


def test_a_signature_shows_that_the_hashes_were_replaced_too(run, tmp_path):
    private, public = key_pair(tmp_path)
    folder = run.path / 'evidence'
    signer = write_evidence(run, folder, key=private)
    found = check_evidence(folder, run.path, public.read_bytes())
    assert not found.problems and signer in found.signature
    assert 'whoever has it' in check_evidence(folder, run.path).signature
    other = key_pair(tmp_path, 'other')[1].read_bytes()
    assert 'is of another key' in check_evidence(folder, run.path, other).problems[0]

    manifest = (folder / MANIFEST).read_text()
    (folder / MANIFEST).write_text(manifest.replace('"format": 1', '"format":  1'))
    assert 'does not fit the manifest' in check_evidence(folder, run.path).problems[0]
    (folder / MANIFEST).write_text(manifest)
    (folder / 'signature.json').unlink()
    assert 'signature.json: is missing' in check_evidence(
        folder, run.path, public.read_bytes()).problems[0]


def test_keys_and_manifests_that_are_none_are_refused_with_what_is_wrong(run, tmp_path):
    (tmp_path / 'no.pem').write_text('nothing')
    assert 'no private key in PEM' in refused(
        'evidence', run.path, '--key', tmp_path / 'no.pem')
    folder = run.path / 'evidence'
    for text in ('{}', '[]', '{"format": 9}'):
        (folder / MANIFEST).write_text(text)
        with pytest.raises(RecordError):
            check_evidence(folder, run.path)
    other = tmp_path / 'other'
    other.mkdir()
    (other / 'mine.txt').write_text('precious')
    with pytest.raises(RecordError, match='has other files'):
        write_evidence(run, other)
    assert (other / 'mine.txt').exists()


def test_a_path_that_leads_out_of_the_run_is_not_followed(run):
    manifest = read_json(run.path / 'evidence' / MANIFEST)
    for name in ('../../etc/passwd', '/etc/passwd'):
        manifest['inputs'] = {name: {'sha256': 'a' * 64, 'bytes': 1}}
        (run.path / 'evidence' / MANIFEST).write_text(json.dumps(manifest))
        found = check_evidence(run.path / 'evidence', run.path)
        assert f'{name}: is no path in the folder' in found.problems
