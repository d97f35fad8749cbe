from storefront.demo.plan import CUSTOMER, OWNER, Plan


def banner(plan: Plan) -> list[str]:
    """What a person who just started the demo wants to know."""
    rows = [
        ("Shop", f"{plan.shop_url}/"),
        ("Customer", f"{CUSTOMER}  password {plan.kept.customer_password}  (has money)"),
        ("Owner", f"{OWNER}  password {plan.kept.owner_password}  at {plan.shop_url}/admin/"),
        ("Provider", f"{plan.provider_page}  (simulated: what it received, and what became of it)"),
        ("Mail", f"nothing is sent; each mail is a file in {plan.mail_folder}/"),
        ("Data", "kept between runs; `make demo-reset` forgets it"),
        ("Stop", "Ctrl-C"),
    ]
    line = "-" * 78
    return [line, "The shop is open.", *(f"{name:<9} {value}" for name, value in rows), line]
