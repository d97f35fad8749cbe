<?php
/*
 * A gateway of your own for the shop, in one file of PHP 8 without packages.
 *
 * Put it behind https and set REQUEST_KEY, ANSWER_KEY, WEBHOOK_URL and DATA (a folder that the web does not serve) in
 * its environment. Its address is both the start address and the status address. Payments of the mode "test" are paid
 * by a button. Where it says YOUR WALLET, ask your bank or wallet what really came in.
 */
declare(strict_types=1);

define('REQUEST_KEY', getenv('REQUEST_KEY')); // signs what the shop sends
define('ANSWER_KEY', getenv('ANSWER_KEY'));   // signs what this program answers and sends
define('WEBHOOK_URL', getenv('WEBHOOK_URL'));
define('DATA', getenv('DATA'));

function is_genuine(string $at, string $v1, string $text, int $seconds): bool
{
    $is_signed = hash_equals(hash_hmac('sha256', "$at.$text", REQUEST_KEY), $v1);
    return $is_signed && time() - (int) $at <= $seconds && (int) $at - time() <= 300;
}

function signed_header(string $body): string
{
    $at = time();
    return "t=$at,v1=" . hash_hmac('sha256', "$at.$body", ANSWER_KEY);
}

function load(string $reference): ?array
{
    $path = DATA . "/$reference.json";
    return preg_match('/\A[0-9a-f]{32}\z/', $reference) && is_file($path)
        ? json_decode(file_get_contents($path), true, 16, JSON_THROW_ON_ERROR)
        : null;
}

function save(array $payment): void
{
    $path = DATA . "/{$payment['reference']}.json";
    $new = $path . '.' . bin2hex(random_bytes(4));
    file_put_contents($new, json_encode($payment, JSON_THROW_ON_ERROR));
    rename($new, $path);
}

/* Say that something changed. The shop then asks by itself, so a call that is lost does no harm. */
function tell_shop(array $payment): void
{
    $body = json_encode([
        'type' => 'changed',
        'id' => bin2hex(random_bytes(16)),
        'reference' => $payment['reference'],
        'mode' => $payment['mode'],
    ]);
    @file_get_contents(WEBHOOK_URL, false, stream_context_create(['http' => [
        'method' => 'POST',
        'header' => "Content-Type: application/json\r\nX-Signature: " . signed_header($body),
        'content' => $body,
        'timeout' => 10,
        'follow_location' => 0,
        'ignore_errors' => true,
    ]]));
}

function stop(int $status, string $text): never
{
    http_response_code($status);
    exit($text);
}

/* The shop asks what became of a payment. */
function status(string $header): never
{
    $body = file_get_contents('php://input', false, null, 0, 65536);
    $found = preg_match('/\At=([0-9]{1,12}),v1=([0-9a-f]{64})\z/', $header, $part);
    if (!$found || !is_genuine($part[1], $part[2], $body, 300)) {
        stop(403, 'Not signed by the shop.');
    }
    $asked = json_decode($body, true, 16, JSON_THROW_ON_ERROR);
    // Of a payment that nobody started there is nothing to say but that it is pending.
    $known = load($asked['reference']) ?? $asked + ['state' => 'pending', 'payments' => []];
    $answer = json_encode([
        'type' => 'status',
        'nonce' => $asked['nonce'],
        'reference' => $known['reference'],
        'amount' => $known['amount'],
        'currency' => $known['currency'],
        'mode' => $known['mode'],
        'state' => $known['state'],
        // To send money back, add "refunded" or "charged_back" to a payment: what went back of it in all.
        'payments' => $known['payments'],
    ], JSON_THROW_ON_ERROR);
    header('Content-Type: application/json');
    header('X-Signature: ' . signed_header($answer));
    exit($answer);
}

/* The customer pressed the button of the page below. */
function pay(string $reference): never
{
    $payment = load($reference) ?? stop(404, 'No such payment.');
    // YOUR WALLET: find out here what came in, from your bank or wallet, never from what the customer sent.
    if ($payment['mode'] === 'test' && $payment['state'] === 'pending') {
        $payment['state'] = 'paid';
        $payment['payments'] = [[
            'id' => $payment['reference'] . '-1',
            'amount' => $payment['amount'],
            'currency' => $payment['currency'],
        ]];
        save($payment);
        tell_shop($payment);
    }
    header('Location: ' . $payment['return_url'], true, 303);
    exit;
}

/* A customer comes by the link of the shop. */
function start(string $query): array
{
    $found = preg_match('/\A(.+)&t=([0-9]{1,12})&v1=([0-9a-f]{64})\z/', $query, $part);
    if (!$found || !is_genuine($part[2], $part[3], $part[1], 30 * 86400)) {
        stop(403, 'This link is not genuine.');
    }
    parse_str($part[1], $asked);
    $payment = load($asked['reference']);
    if ($payment === null) {
        // The first link decides what is asked for; a payment never changes after that.
        $names = ['reference', 'number', 'amount', 'currency', 'mode', 'expires', 'return_url'];
        $payment = array_intersect_key($asked, array_flip($names)) + ['state' => 'pending', 'payments' => []];
        save($payment);
    }
    if ($payment['state'] === 'pending' && time() > (int) $payment['expires']) {
        stop(410, 'The time for this payment is over.');
    }
    return $payment;
}

if ($_SERVER['REQUEST_METHOD'] === 'POST') {
    isset($_SERVER['HTTP_X_SIGNATURE'])
        ? status($_SERVER['HTTP_X_SIGNATURE'])
        : pay((string) ($_POST['reference'] ?? ''));
}
$payment = start((string) ($_SERVER['QUERY_STRING'] ?? ''));
$e = fn (string $text): string => htmlspecialchars($text, ENT_QUOTES);
?>
<!doctype html>
<html lang="en">
<meta charset="utf-8">
<meta name="viewport" content="width=device-width">
<link rel="icon" href="data:,">
<title>Pay <?= $e($payment['number']) ?></title>
<h1><?= $e($payment['number']) ?>: <?= $e($payment['amount']) ?> <?= $e($payment['currency']) ?></h1>
<?php if ($payment['mode'] === 'test') { ?>
<form method="post" action="?">
  <input type="hidden" name="reference" value="<?= $e($payment['reference']) ?>">
  <button>Pay <?= $e($payment['amount']) ?> <?= $e($payment['currency']) ?></button>
</form>
<?php } else { ?>
<p>YOUR WALLET: say here where to send the money.</p>
<?php } ?>
