"""The command line: parse, call, print. One file per verb, imported only when that verb is used.

What a person did wrong ends in one sentence on stderr and exit status 1, never in a traceback.
"""

from __future__ import annotations

import importlib
import sys

import click

from localllm import __version__, errors, facts

# verb → its line in the help; said here so that `localllm --help` imports nothing
VERBS = {
    "serve": "Serve the models over HTTP (OpenAI's API).",
    "chat": "Talk to a model in the terminal.",
    "list": "Show the models of the catalog.",
    "ps": "Show which models are in memory.",
    "stop": "Unload a model from memory.",
    "pull": "Download a model, or go on with a download.",
    "add": "Put a GGUF file of yours into the catalog; it is used where it lies.",
    "rm": "Remove a model; deletes only what localllm downloaded.",
    "fit": "Show which models fit into memory, before loading them.",
    "connect": "Connect Open WebUI to this server, or another server's models to it.",
    "worker": "Compute layers of models for other computers (experimental).",
    "install-desktop": "Put localllm into the menu of a Linux desktop.",
    "paths": "Show where localllm keeps things.",
    "check": "Check any OpenAI-compatible server by what comes over the wire.",
    "doctor": "Check this computer, the engine, the catalog and the port.",
}


class Verbs(click.Group):
    """Finds a verb's command in `localllm.cli.<verb>`, with _ for each dash."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        return list(VERBS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        if cmd_name not in VERBS:
            return None
        command = importlib.import_module(f"localllm.cli.{cmd_name.replace('-', '_')}").command
        assert isinstance(command, click.Command)
        return command

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        """As click does, with the nearest verb for a mistyped one."""
        name = args[0]
        if name not in VERBS and not name.startswith("-"):
            from localllm.nearest import did_you_mean

            ctx.fail(f'There is no command "{name}".{did_you_mean(name, VERBS)}')
        return super().resolve_command(ctx, args)

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        with formatter.section("Commands"):
            formatter.write_dl(list(VERBS.items()))


@click.command(cls=Verbs, invoke_without_command=True)
@click.version_option(__version__, prog_name=facts.PRODUCT, message="%(prog)s %(version)s")
@click.pass_context
def group(ctx: click.Context) -> None:
    """Language models on your own laptop, served to everything you already use.

    Without a command: serve, and open the page; where localllm runs already, open its page.
    """
    if ctx.invoked_subcommand is None:
        from localllm.cli.launch import launch

        launch()


def main() -> None:
    """The entry point of the `localllm` command."""
    if getattr(sys, "frozen", False):
        import multiprocessing

        multiprocessing.freeze_support()
    try:
        group.main(prog_name=facts.PRODUCT)
    except errors.LocalllmError as e:
        click.echo(f"localllm: {e.message}", err=True)
        sys.exit(1)
