# Copyright 2026 inril_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""``inril contract``: check a robot contract, or write the first draft of one."""

from pathlib import Path
from typing import Annotated

import typer

from inril_ros.cli.contract_sheet import print_contract
from inril_ros.cli.run.resources import find_configuration
from inril_ros.robot.contract.contract import ContractError, load_contract
from inril_ros.robot.draft.stand_ins import stand_ins, TO_DRIVE
from inril_ros.robot.settings_check import in_order
from inril_ros.robot.yaml_file import load_yaml

app = typer.Typer(
    no_args_is_help=True, rich_markup_mode='rich',
    help='The robot contract: the YAML file that lists the observations and commands of a '
         'robot.\n\n'
         '  [bold]inril contract new arm.yaml[/bold]       a draft from the running graph\n\n'
         '  [bold]inril contract check arm.yaml[/bold]     its content, or all its mistakes')


@app.command()
def check(
    contract: Annotated[str, typer.Argument(help='A file, or a name in config/robots.')],
    bag: Annotated[Path | None, typer.Option(
        help='A recorded bag (ROS 1 or 2): also check topics, joints, their order, units, limits '
             'and images against it.')] = None,
    namespace: Annotated[str, typer.Option(
        help='ROS namespace of the robot in the bag.')] = '/',
) -> None:
    """Check a contract and show all of it, in red what is off; exit code 1 with all mistakes."""
    from inril_ros.robot.motion.gate_check import check_gate

    path = find_configuration('robots', contract)
    checked = load_contract(path)
    mistakes, notes = check_gate(checked, path)
    mistakes += stand_ins(checked)
    if mistakes:
        lines = load_yaml(path, ContractError)[1]
        raise ContractError(f'{path}:\n  ' + '\n  '.join(in_order(mistakes, lines)))
    print_contract(checked, path, [*notes, *stand_ins(checked, TO_DRIVE)])
    if bag is not None:
        from inril_ros.data.audit.bag_check import check_bag
        from inril_ros.data.audit.finding import verdict_of

        findings = check_bag(checked, bag, namespace)
        typer.echo(f'against {bag}: {verdict_of(findings)}')
        for finding in findings:
            typer.echo(f'  {finding}')
        if verdict_of(findings) == 'wrong':
            raise typer.Exit(1)


@app.command()
def new(
    out: Annotated[Path, typer.Argument(help='File to write; it must not exist.')],
    name: Annotated[str, typer.Option(help='Name of the robot.')] = 'my_robot',
    rate: Annotated[float, typer.Option(min=0.01, max=1000.0, help='Control rate [Hz].')] = 20.0,
    namespace: Annotated[str, typer.Option(help='ROS namespace of the robot.')] = '/',
    seconds: Annotated[float, typer.Option(
        min=0.5, max=60.0, help='How long to listen to the graph.')] = 3.0,
    bag: Annotated[Path | None, typer.Option(
        help='Take the topics from a recorded bag (ROS 1 or 2), not from the graph.')] = None,
) -> None:
    """Write the first draft of a contract: observed and commanded topics, joints, cameras.

    From a bag whose commands are on no topic of a contract, also the mapping for its import.
    """
    from inril_ros.robot.draft.draft import draft_contract

    mapping = out.with_name(f'{out.stem}_mapping.yaml')
    for path in (out, mapping):
        if path.exists():
            raise FileExistsError(f'{path} exists already; a draft does not overwrite it')
    if bag is not None:
        from inril_ros.data.audit.survey import survey_bag

        topics = survey_bag(bag)
    else:
        from inril_ros.nodes.clients.graph_survey import survey_graph

        topics = survey_graph(seconds)
    draft = draft_contract(topics, name, rate, namespace, recorded=bag is not None)
    out.write_text(draft.contract, encoding='utf-8')
    typer.echo(f'{out}: a draft from {len(topics)} topics, with {draft.to_do} things to do; each '
               f'is marked by a comment. Then: inril contract check {out}')
    if draft.mapping:
        mapping.write_text(draft.mapping, encoding='utf-8')
        typer.echo(f'{mapping}: where the recording has its commands: inril demos import {bag} '
                   f'--contract {out} --mapping {mapping} ...')


@app.command()
def schema() -> None:
    """Print the JSON Schema of contracts, for editors."""
    from inril_ros.robot.contract.schema import schema_text

    typer.echo(schema_text(), nl=False)

