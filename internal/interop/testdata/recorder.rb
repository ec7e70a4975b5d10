# Prints each request with its header names as they came, which is how receivers
# find them that look up "webhook-id" in a hash of their own. Repeated headers
# are joined (RFC 9110 5.3).

require "base64"
require "json"
require "socket"

server = TCPServer.new("127.0.0.1", 0)
$stdout.sync = true
puts "listening on http://127.0.0.1:#{server.addr[1]}"
loop do
  Thread.new(server.accept) do |connection|
    path = connection.gets.split(" ")[1]
    headers = {}
    while (line = connection.gets.chomp) != ""
      name, value = line.split(": ", 2)
      headers[name] = headers.key?(name) ? "#{headers[name]}, #{value}" : value
    end
    body = connection.read(headers["Content-Length"].to_i)
    puts JSON.generate(path: path, headers: headers, names: headers.keys, body: Base64.strict_encode64(body))
    connection.write("HTTP/1.1 204 No Content\r\nConnection: close\r\n\r\n")
    connection.close
  end
end
