<?php
// Prints each request as PHP's getallheaders() gives it: with the names as they
// came, which is how receivers look for them.

$headers = getallheaders();
$seen = [
    "path" => $_SERVER["REQUEST_URI"],
    "headers" => $headers,
    "names" => array_keys($headers),
    "body" => base64_encode(file_get_contents("php://input")),
];
file_put_contents("php://stdout", json_encode($seen) . "\n");
http_response_code(204);
