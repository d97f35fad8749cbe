from storefront.demo.plan import CUSTOMER, OWNER, Plan


def banner(plan: Plan) -> list[str]:
    """The lines shown when the demo has started: addresses, passwords, and how to stop."""
    rows = [
        ("Shop", f"{plan.shop_url}/"),
        ("Customer", f"{CUSTOMER}  password {plan.credentials.customer_password}  (has money)"),
        ("Owner", f"{OWNER}  password {plan.credentials.owner_password}  at {plan.shop_url}/admin/"),
        ("Provider", f"{plan.provider_page}  (simulated: the orders it received and their states)"),
        ("Its API", f"{plan.provider_url}  key {plan.credentials.provider_key}  (to try adding a provider)"),
        ("Mail", f"not sent; each mail is a file in {plan.mail_folder}/"),
        ("Data", "kept between runs; `make demo-reset` deletes it"),
        ("Stop", "Ctrl-C"),
    ]
    line = "-" * 78
    return [line, "The shop is open.", *(f"{name:<9} {value}" for name, value in rows), line]
