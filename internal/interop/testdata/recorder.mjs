// Prints each request as Node's http module gives it: repeated headers joined,
// and beside that the names as they came.

import { createServer } from "node:http";

const server = createServer(async (request, response) => {
  const chunks = [];
  for await (const chunk of request) chunks.push(chunk);
  const names = request.rawHeaders.filter((_, i) => i % 2 === 0);
  console.log(JSON.stringify({
    path: request.url, headers: request.headers, names, body: Buffer.concat(chunks).toString("base64"),
  }));
  response.writeHead(204).end();
});
server.listen(0, "127.0.0.1", () => console.log(`listening on http://127.0.0.1:${server.address().port}`));
