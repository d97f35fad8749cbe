import json
from argparse import ArgumentParser
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from billing.audit import role_warnings
from billing.equations import check
from core.secrets import key_warnings
from orders import auditing
from orders.models import AuditState


class Command(BaseCommand):
    help = "Check that money and orders add up, naming the rows that do not. Exit status 1 if any equation fails."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument(
            "--changed", action="store_true", help="only what has changed since the last audits of the shop itself"
        )
        parser.add_argument("--json", action="store_true", help="print facts for a script")

    def handle(self, *args: Any, **options: Any) -> None:
        state = AuditState.objects.filter(full_at__isnull=False).first() if options["changed"] else None
        if options["changed"] and state is None:
            raise CommandError("Nothing was audited before: run this command without --changed.")
        findings = auditing.audit_changes(state) if state else check(auditing.EQUATIONS)
        failed = [f for f in findings if not f.holds]
        warnings = [*role_warnings(), *key_warnings()]
        if options["json"]:
            facts = {"ok": not failed, "checks": [f.as_facts() for f in findings], "warnings": warnings}
            self.stdout.write(json.dumps(facts))
        else:
            for finding in findings:
                verdict = self.style.SUCCESS("holds") if finding.holds else self.style.ERROR("FAILS")
                self.stdout.write(f"{verdict}  {finding.name} ({finding.looked_at}): {finding.says}")
                for what, why in finding.rows:
                    self.stdout.write(f"       {what}: {why}")
                if finding.broken > len(finding.rows):
                    self.stdout.write(f"       and {finding.broken - len(finding.rows)} more")
            for warning in warnings:
                self.stdout.write(self.style.WARNING("warning") + f"  {warning}")
        if failed:
            raise CommandError(f"{len(failed)} of {len(findings)} equations fail: {', '.join(f.name for f in failed)}")
        if not options["json"]:
            self.stdout.write(f"All {len(findings)} equations hold.")
