import billing.models.methods
import billing.models.topups
import core.money
import django.core.serializers.json
import django.core.validators
import django.db.models.deletion
import django.db.models.functions.datetime
from decimal import Decimal
from django.conf import settings
from django.db import migrations, models

from billing.migrations import _gateways, _vouchers


class Migration(migrations.Migration):
    """Payment methods, top-ups, vouchers, and the ledger's codes for them. No row that is there is read or written."""

    dependencies = [
        ('billing', '0015_lines_by_index'),
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
    ]

    operations = [
        migrations.CreateModel(
            name='DemoPayment',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('remote_id', models.CharField(max_length=40, unique=True)),
                ('asked', core.money.ProviderAmountField(decimal_places=18, max_digits=30)),
                ('currency', models.CharField(max_length=12)),
                ('state', models.CharField(default='open', max_length=10)),
                ('amounts', models.JSONField(default=list)),
                ('paid_from', models.DateTimeField(null=True)),
                ('refunded', core.money.ProviderAmountField(decimal_places=18, default=0, max_digits=30)),
                ('refunds', models.JSONField(default=dict)),
                ('charged_back', core.money.ProviderAmountField(decimal_places=18, default=0, max_digits=30)),
            ],
            options={
                'verbose_name': 'payment of the demo',
                'verbose_name_plural': 'payments of the demo',
            },
        ),
        migrations.AlterField(
            model_name='transfer',
            name='code',
            field=models.CharField(choices=[('credit', 'Credit by the owner'), ('debit', 'Debit by the owner'), ('topup', 'Top-up'), ('bonus', 'Bonus'), ('hold', 'Held for an order'), ('settle', 'Earned'), ('release', 'Refund'), ('late_refund', 'Refund after completion'), ('chargeback', 'Chargeback'), ('chargeback_loss', 'Chargeback not covered'), ('fee', 'Gateway fee'), ('topup_fee', 'Fee paid by the customer'), ('bonus_back', 'Bonus taken back'), ('topup_refund', 'Payment refunded'), ('chargeback_back', 'Chargeback reversed'), ('loss_back', 'Loss made good')], max_length=16, verbose_name='code'),
        ),
        migrations.AlterField(
            model_name='walletline',
            name='code',
            field=models.CharField(choices=[('credit', 'Credit by the owner'), ('debit', 'Debit by the owner'), ('topup', 'Top-up'), ('bonus', 'Bonus'), ('hold', 'Held for an order'), ('settle', 'Earned'), ('release', 'Refund'), ('late_refund', 'Refund after completion'), ('chargeback', 'Chargeback'), ('chargeback_loss', 'Chargeback not covered'), ('fee', 'Gateway fee'), ('topup_fee', 'Fee paid by the customer'), ('bonus_back', 'Bonus taken back'), ('topup_refund', 'Payment refunded'), ('chargeback_back', 'Chargeback reversed'), ('loss_back', 'Loss made good')], max_length=16, verbose_name='code'),
        ),
        migrations.CreateModel(
            name='PaymentMethod',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('gateway', models.CharField(max_length=40, verbose_name='gateway')),
                ('name', models.CharField(help_text='Customers read it, such as Card or Bank transfer.', max_length=60, verbose_name='name')),
                ('arrives', models.CharField(blank=True, help_text='Customers read it, such as At once.', max_length=80, verbose_name='when it arrives')),
                ('is_on', models.BooleanField(default=False, help_text='Customers can start top-ups with it.', verbose_name='on')),
                ('is_live', models.BooleanField(default=False, help_text="Off: the gateway's test mode, which customers see in the demo alone.", verbose_name='live')),
                ('position', models.IntegerField(default=0, help_text='Lower numbers stand first.', verbose_name='place')),
                ('currency', models.CharField(help_text='What customers are asked to pay in.', max_length=12, validators=[django.core.validators.RegexValidator('\\A[A-Z0-9]{3,12}\\Z', "Write the currency's code, such as USD.")], verbose_name='currency')),
                ('exchange_rate', models.DecimalField(decimal_places=12, default=Decimal('1'), help_text="How much of that currency one unit of the shop's currency costs. 1 if they are the same.", max_digits=24, validators=[django.core.validators.MinValueValidator(Decimal('1E-12'))], verbose_name='exchange rate')),
                ('least', core.money.AmountField(decimal_places=5, default=Decimal('5'), max_digits=20, validators=[django.core.validators.MinValueValidator(Decimal('0.01'))], verbose_name='smallest top-up')),
                ('most', core.money.AmountField(decimal_places=5, default=Decimal('1000'), max_digits=20, verbose_name='largest top-up')),
                ('fee_percent', models.DecimalField(decimal_places=2, default=Decimal('0'), help_text='Customers pay it on top of what arrives in the wallet.', max_digits=5, validators=[django.core.validators.MinValueValidator(Decimal('0')), django.core.validators.MaxValueValidator(Decimal('50'))], verbose_name='fee in percent')),
                ('fee_fixed', core.money.AmountField(decimal_places=5, default=Decimal('0'), max_digits=20, validators=[django.core.validators.MinValueValidator(Decimal('0'))], verbose_name='fixed fee')),
                ('bonus_percent', models.DecimalField(decimal_places=2, default=Decimal('0'), max_digits=5, validators=[django.core.validators.MinValueValidator(Decimal('0')), django.core.validators.MaxValueValidator(Decimal('100'))], verbose_name='bonus in percent')),
                ('bonus_from', core.money.AmountField(decimal_places=5, default=Decimal('0'), help_text='The smallest top-up that gets a bonus.', max_digits=20, validators=[django.core.validators.MinValueValidator(Decimal('0'))], verbose_name='bonus from')),
                ('takes_less', models.BooleanField(default=False, help_text='On: who pays too little gets that much at once. Off: it waits for you.', verbose_name='credit a part')),
                ('settings', models.JSONField(blank=True, default=dict, verbose_name='settings')),
                ('sealed_secrets', models.TextField(blank=True, editable=False, verbose_name='secrets')),
                ('token', models.CharField(default=billing.models.methods.new_token, editable=False, max_length=32, unique=True)),
                ('forged', models.IntegerField(default=0, editable=False)),
                ('forged_since', models.DateTimeField(editable=False, null=True)),
                ('last_event_at', models.DateTimeField(editable=False, null=True, verbose_name='last genuine call')),
                ('last_answer_at', models.DateTimeField(editable=False, null=True, verbose_name='last answer')),
            ],
            options={
                'verbose_name': 'payment method',
                'verbose_name_plural': 'payment methods',
                'ordering': ['position', 'pk'],
                'constraints': [models.CheckConstraint(condition=models.Q(('exchange_rate__gt', Decimal('0.0')), ('least__gt', Decimal('0.0')), ('least__lte', models.F('most')), ('most__lt', Decimal('1000000000000.0')), ('exchange_rate__lt', Decimal('1000000000000.0')), ('fee_percent__gte', Decimal('0.0')), ('fee_percent__lte', Decimal('50.0')), ('bonus_from__gte', Decimal('0.0')), ('bonus_from__lt', Decimal('1000000000000.0')), ('fee_fixed__gte', Decimal('0.0')), ('fee_fixed__lt', Decimal('1000000000000.0')), ('bonus_percent__gte', Decimal('0.0')), ('bonus_percent__lte', Decimal('100.0'))), name='payment_method_sane')],
            },
        ),
        migrations.CreateModel(
            name='StoredFile',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('digest', models.CharField(max_length=64, unique=True, verbose_name='digest')),
                ('kind', models.CharField(choices=[('image/jpeg', 'Picture'), ('application/pdf', 'PDF')], max_length=20, verbose_name='kind')),
                ('content', models.BinaryField()),
                ('created_at', models.DateTimeField(verbose_name='time')),
                ('owner', models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='sent_files', to=settings.AUTH_USER_MODEL, verbose_name='sent by')),
            ],
            options={
                'verbose_name': 'file',
                'verbose_name_plural': 'files',
            },
        ),
        migrations.CreateModel(
            name='TopUp',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('reference', models.CharField(default=billing.models.topups.new_reference, editable=False, max_length=32, unique=True, verbose_name='reference')),
                ('nonce', models.CharField(editable=False, max_length=64, unique=True)),
                ('is_live', models.BooleanField(verbose_name='live')),
                ('is_gift', models.BooleanField(db_default=False, default=False, verbose_name='gift')),
                ('credit_amount', core.money.AmountField(decimal_places=5, max_digits=20, verbose_name='amount')),
                ('fee', core.money.AmountField(decimal_places=5, default=0, max_digits=20, verbose_name='fee')),
                ('bonus', core.money.AmountField(decimal_places=5, default=0, max_digits=20, verbose_name='bonus')),
                ('pay_amount', core.money.ProviderAmountField(decimal_places=18, max_digits=30, verbose_name='to pay')),
                ('pay_currency', models.CharField(max_length=12, verbose_name='currency')),
                ('state', models.CharField(choices=[('created', 'Starting'), ('pending', 'Waiting for payment'), ('paid', 'Credited'), ('underpaid', 'Paid in part'), ('expired', 'Expired'), ('failed', 'Failed'), ('held', 'Being checked'), ('part_refunded', 'Refunded in part'), ('refunded', 'Refunded'), ('charged_back', 'Charged back')], default='created', max_length=16, verbose_name='state')),
                ('why', models.CharField(blank=True, max_length=300, verbose_name='because')),
                ('decision', models.CharField(blank=True, choices=[('', 'None'), ('accepted', 'Accepted'), ('rejected', 'Rejected')], default='', max_length=10, verbose_name='decision')),
                ('remote_id', models.CharField(blank=True, max_length=200, verbose_name='id at the gateway')),
                ('pay_url', models.CharField(blank=True, max_length=2000)),
                ('instructions', models.JSONField(blank=True, default=list)),
                ('received', core.money.ProviderAmountField(decimal_places=18, default=0, max_digits=30, verbose_name='received')),
                ('credited', core.money.AmountField(decimal_places=5, default=0, max_digits=20, verbose_name='credited')),
                ('taken', core.money.AmountField(decimal_places=5, default=0, max_digits=20, verbose_name='taken back')),
                ('created_at', models.DateTimeField(db_default=django.db.models.functions.datetime.Now(), editable=False, verbose_name='started')),
                ('expires_at', models.DateTimeField(verbose_name='expires')),
                ('watch_until', models.DateTimeField(verbose_name='looked at until')),
                ('next_look_at', models.DateTimeField(blank=True, null=True, verbose_name='next look')),
                ('looked_at', models.DateTimeField(blank=True, null=True, verbose_name='last look')),
                ('looks', models.IntegerField(default=0)),
                ('misses', models.IntegerField(default=0)),
                ('customer', models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='topups', to=settings.AUTH_USER_MODEL, verbose_name='customer')),
                ('method', models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='topups', to='billing.paymentmethod', verbose_name='method')),
            ],
            options={
                'verbose_name': 'top-up',
                'verbose_name_plural': 'top-ups',
                'ordering': ['-pk'],
            },
        ),
        migrations.CreateModel(
            name='TopUpEvent',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('at', models.DateTimeField(verbose_name='time')),
                ('old', models.CharField(blank=True, choices=[('created', 'Starting'), ('pending', 'Waiting for payment'), ('paid', 'Credited'), ('underpaid', 'Paid in part'), ('expired', 'Expired'), ('failed', 'Failed'), ('held', 'Being checked'), ('part_refunded', 'Refunded in part'), ('refunded', 'Refunded'), ('charged_back', 'Charged back')], max_length=16, verbose_name='from')),
                ('new', models.CharField(choices=[('created', 'Starting'), ('pending', 'Waiting for payment'), ('paid', 'Credited'), ('underpaid', 'Paid in part'), ('expired', 'Expired'), ('failed', 'Failed'), ('held', 'Being checked'), ('part_refunded', 'Refunded in part'), ('refunded', 'Refunded'), ('charged_back', 'Charged back')], max_length=16, verbose_name='to')),
                ('cause', models.CharField(max_length=254, verbose_name='by')),
                ('facts', models.JSONField(default=dict, encoder=django.core.serializers.json.DjangoJSONEncoder, verbose_name='facts')),
                ('topup', models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='history', to='billing.topup', verbose_name='top-up')),
            ],
            options={
                'verbose_name': 'step of a top-up',
                'verbose_name_plural': 'steps of top-ups',
                'ordering': ['pk'],
            },
        ),
        migrations.CreateModel(
            name='TopUpPayment',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('payment_id', models.CharField(max_length=200, verbose_name='id at the gateway')),
                ('amount', core.money.ProviderAmountField(decimal_places=18, max_digits=30, verbose_name='amount')),
                ('currency', models.CharField(max_length=12, verbose_name='currency')),
                ('refunded', core.money.ProviderAmountField(decimal_places=18, default=0, max_digits=30, verbose_name='refunded')),
                ('refund_asked', core.money.ProviderAmountField(db_default=0, decimal_places=18, default=0, max_digits=30)),
                ('charged_back', core.money.ProviderAmountField(decimal_places=18, default=0, max_digits=30, verbose_name='charged back')),
                ('seen_at', models.DateTimeField(verbose_name='seen')),
                ('method', models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='+', to='billing.paymentmethod', verbose_name='method')),
                ('topup', models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='payments', to='billing.topup', verbose_name='top-up')),
            ],
            options={
                'verbose_name': 'payment',
                'verbose_name_plural': 'payments',
            },
        ),
        migrations.CreateModel(
            name='PaymentRefund',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('amount', core.money.ProviderAmountField(decimal_places=18, max_digits=30, verbose_name='amount')),
                ('key', models.CharField(max_length=80, unique=True, verbose_name='key')),
                ('state', models.CharField(choices=[('waiting', 'Being sent'), ('done', 'Sent'), ('failed', 'Failed')], default='waiting', max_length=10, verbose_name='state')),
                ('why', models.CharField(blank=True, max_length=300, verbose_name='because')),
                ('refund_id', models.CharField(blank=True, max_length=200, verbose_name='id at the gateway')),
                ('actor', models.CharField(max_length=254, verbose_name='by')),
                ('reason', models.CharField(max_length=300, verbose_name='reason')),
                ('created_at', models.DateTimeField(verbose_name='time')),
                ('next_at', models.DateTimeField(null=True, verbose_name='next try')),
                ('tries', models.IntegerField(default=0)),
                ('payment', models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='refunds', to='billing.topuppayment', verbose_name='payment')),
            ],
            options={
                'verbose_name': 'refund of a payment',
                'verbose_name_plural': 'refunds of payments',
                'ordering': ['pk'],
            },
        ),
        migrations.CreateModel(
            name='TransferNotice',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('sender', models.CharField(max_length=120, verbose_name='name on the sending account')),
                ('at', models.DateTimeField(verbose_name='time')),
                ('proof', models.ForeignKey(blank=True, null=True, on_delete=django.db.models.deletion.PROTECT, related_name='notices', to='billing.storedfile', verbose_name='proof')),
                ('topup', models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='notices', to='billing.topup', verbose_name='top-up')),
            ],
            options={
                'verbose_name': 'notice of a transfer',
                'verbose_name_plural': 'notices of transfers',
                'ordering': ['-pk'],
            },
        ),
        migrations.CreateModel(
            name='TransferReview',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('actor', models.CharField(max_length=40, verbose_name='by')),
                ('actor_name', models.CharField(max_length=254, verbose_name='name then')),
                ('is_approved', models.BooleanField(verbose_name='approved')),
                ('amount', core.money.ProviderAmountField(decimal_places=18, max_digits=30, null=True, verbose_name='amount seen')),
                ('reason', models.CharField(blank=True, max_length=300, verbose_name='reason')),
                ('at', models.DateTimeField(verbose_name='time')),
                ('topup', models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='reviews', to='billing.topup', verbose_name='top-up')),
            ],
            options={
                'verbose_name': 'review of a transfer',
                'verbose_name_plural': 'reviews of transfers',
                'ordering': ['pk'],
            },
        ),
        migrations.CreateModel(
            name='VoucherBatch',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('name', models.CharField(help_text='For you: customers do not see it.', max_length=80, verbose_name='name')),
                ('amount', core.money.AmountField(decimal_places=5, max_digits=20, verbose_name='amount of each')),
                ('count', models.IntegerField(verbose_name='codes')),
                ('is_gift', models.BooleanField(default=False, verbose_name='given away')),
                ('good_until', models.DateTimeField(blank=True, null=True, verbose_name='good until')),
                ('stopped_at', models.DateTimeField(blank=True, null=True, verbose_name='stopped')),
                ('made_by', models.CharField(max_length=254, verbose_name='made by')),
                ('created_at', models.DateTimeField(verbose_name='made')),
            ],
            options={
                'verbose_name': 'batch of vouchers',
                'verbose_name_plural': 'batches of vouchers',
                'ordering': ['-pk'],
                'constraints': [models.CheckConstraint(condition=models.Q(('amount__gt', Decimal('0.0')), ('amount__lt', Decimal('1000000000000.0'))), name='voucher_batch_sane')],
            },
        ),
        migrations.CreateModel(
            name='Voucher',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('digest', models.CharField(max_length=64, unique=True)),
                ('redeemed_at', models.DateTimeField(blank=True, null=True, verbose_name='redeemed')),
                ('topup', models.OneToOneField(blank=True, null=True, on_delete=django.db.models.deletion.PROTECT, related_name='voucher', to='billing.topup')),
                ('batch', models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='vouchers', to='billing.voucherbatch', verbose_name='batch')),
            ],
            options={
                'verbose_name': 'voucher',
                'verbose_name_plural': 'vouchers',
            },
        ),
        migrations.CreateModel(
            name='GatewayEvent',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('event_id', models.CharField(max_length=200, verbose_name='event')),
                ('kind', models.CharField(blank=True, max_length=80, verbose_name='kind')),
                ('remote_id', models.CharField(blank=True, max_length=200, verbose_name='id at the gateway')),
                ('reference', models.CharField(blank=True, max_length=64, verbose_name='reference')),
                ('payment_id', models.CharField(blank=True, max_length=200, verbose_name='payment')),
                ('body', models.BinaryField()),
                ('received_at', models.DateTimeField(verbose_name='received')),
                ('method', models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='events', to='billing.paymentmethod', verbose_name='method')),
            ],
            options={
                'verbose_name': 'call of a webhook',
                'verbose_name_plural': 'calls of webhooks',
                'ordering': ['-pk'],
                'indexes': [models.Index(fields=['method', 'remote_id'], name='gateway_event_by_remote_id'), models.Index(fields=['received_at'], name='gateway_event_by_time')],
                'constraints': [models.UniqueConstraint(fields=('method', 'event_id'), name='gateway_event_once')],
            },
        ),
        migrations.AddConstraint(
            model_name='storedfile',
            constraint=models.CheckConstraint(condition=models.Q(('kind__in', ['image/jpeg', 'application/pdf'])), name='stored_file_of_known_kind'),
        ),
        migrations.AddIndex(
            model_name='topup',
            index=models.Index(fields=['customer', '-id'], name='topup_by_customer'),
        ),
        migrations.AddIndex(
            model_name='topup',
            index=models.Index(fields=['state', '-id'], name='topup_by_state'),
        ),
        migrations.AddIndex(
            model_name='topup',
            index=models.Index(condition=models.Q(('next_look_at__isnull', False)), fields=['next_look_at'], name='topup_due'),
        ),
        migrations.AddConstraint(
            model_name='topup',
            constraint=models.UniqueConstraint(condition=models.Q(('remote_id', ''), _negated=True), fields=('method', 'remote_id'), name='topup_remote_id_once'),
        ),
        migrations.AddConstraint(
            model_name='topup',
            constraint=models.CheckConstraint(condition=models.Q(('credit_amount__gt', Decimal('0.0')), ('credit_amount__lt', Decimal('1000000000000.0')), ('fee__gte', Decimal('0.0')), ('fee__lt', Decimal('1000000000000.0')), ('bonus__gte', Decimal('0.0')), ('bonus__lt', Decimal('1000000000000.0')), ('pay_amount__gt', Decimal('0.0')), ('pay_amount__lt', Decimal('1000000000000.0')), ('received__gte', Decimal('0.0')), ('received__lt', Decimal('1000000000000.0'))), name='topup_amounts_sane'),
        ),
        migrations.AddConstraint(
            model_name='topup',
            constraint=models.CheckConstraint(condition=models.Q(('credited__gte', Decimal('0.0')), ('credited__lte', models.F('credit_amount')), ('taken__gte', Decimal('0.0')), ('taken__lte', models.F('credited'))), name='topup_never_over_credited'),
        ),
        migrations.AddConstraint(
            model_name='topuppayment',
            constraint=models.UniqueConstraint(fields=('method', 'payment_id'), name='topup_payment_once'),
        ),
        migrations.AddConstraint(
            model_name='topuppayment',
            constraint=models.CheckConstraint(condition=models.Q(('amount__gt', Decimal('0.0')), ('amount__lt', Decimal('1000000000000.0')), ('refunded__gte', Decimal('0.0')), ('refunded__lte', models.F('amount')), ('refund_asked__gte', Decimal('0.0')), ('refund_asked__lte', models.F('amount')), ('charged_back__gte', Decimal('0.0')), ('charged_back__lte', models.F('amount'))), name='topup_payment_sane'),
        ),
        migrations.AddIndex(
            model_name='paymentrefund',
            index=models.Index(condition=models.Q(('next_at__isnull', False)), fields=['next_at'], name='payment_refund_due'),
        ),
        migrations.AddConstraint(
            model_name='paymentrefund',
            constraint=models.CheckConstraint(condition=models.Q(('amount__gt', Decimal('0.0')), ('amount__lt', Decimal('1000000000000.0'))), name='payment_refund_sane'),
        ),
        migrations.AddConstraint(
            model_name='paymentrefund',
            constraint=models.CheckConstraint(condition=models.Q(models.Q(('next_at__isnull', False), ('state', 'waiting')), models.Q(models.Q(('state', 'waiting'), _negated=True), ('next_at', None)), _connector='OR'), name='payment_refund_is_due_or_over'),
        ),
        migrations.AddConstraint(
            model_name='transferreview',
            constraint=models.UniqueConstraint(fields=('topup', 'actor'), name='transfer_review_once_each'),
        ),
        migrations.AddConstraint(
            model_name='transferreview',
            constraint=models.CheckConstraint(condition=models.Q(models.Q(('amount__gt', Decimal('0.0')), ('amount__isnull', False), ('amount__lt', Decimal('1000000000000.0')), ('is_approved', True)), models.Q(('amount', None), ('is_approved', False), models.Q(('reason', ''), _negated=True)), _connector='OR'), name='transfer_review_says_what'),
        ),
        migrations.RunSQL(_gateways.GUARDS, _gateways.DROP_GUARDS),
        migrations.RunSQL(_vouchers.GUARDS, _vouchers.DROP_GUARDS),
        migrations.RunSQL(
            _gateways.POST
            + _gateways.fixed_paths(
                "billing_transfer_post", "billing_topup_guard", "billing_topuppayment_guard", "billing_topupevent_is_final"
            )
            + _gateways.BY_INDEX,
            _gateways.POST_BEFORE + _gateways.fixed_paths("billing_transfer_post") + _gateways.BY_INDEX,
        ),
    ]
