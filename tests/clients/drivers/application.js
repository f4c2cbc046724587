// The npm package soap as an application that the server calls, made from the WSDL that the server publishes.
// NODE_PATH=… node application.js WSDL_URL INTERFACE ACTION
// prints the URL on which it listens, then each request as a line of JSON. ACTION, in JSON: what it answers.
const http = require('http');
const soap = require('soap');

const [wsdl, interfaceName, action] = process.argv.slice(2);

const answers = new Proxy({}, {
    get: (_, operation) => given => {
        console.log(JSON.stringify({operation, arguments: given}));
        return operation.startsWith('handle') ? {result: JSON.parse(action)} : {};
    },
    has: () => true,
    getOwnPropertyDescriptor: () => ({configurable: true, enumerable: true}),
});

const server = http.createServer((request, response) => { response.statusCode = 404; response.end(); });
server.listen(0, '127.0.0.1', async () => {
    const xml = await (await fetch(wsdl)).text();
    const services = {[interfaceName + 'Service']: {[interfaceName]: answers}};
    const ready = error => {
        if (error) throw error;
        console.log(`http://127.0.0.1:${server.address().port}/application`);
    };
    soap.listen(server, {path: '/application', services, xml, uri: wsdl, callback: ready});
});
process.stdin.resume();
process.stdin.on('end', () => process.exit(0));
