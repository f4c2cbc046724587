// The npm package soap, made from a published WSDL: a request of stdin, a JSON line, is a call; so is its answer.
// NODE_PATH=… node node.js USER PASSWORD [PasswordText|PasswordDigest]
// With a form of password, WS-Security's UsernameToken says who asks, else HTTP Basic.
const readline = require('readline');
const soap = require('soap');

const [user, password, form] = process.argv.slice(2);
const clients = new Map();

async function client(wsdl) {
    if (!clients.has(wsdl)) {
        const made = await soap.createClientAsync(wsdl);
        made.setSecurity(form ? new soap.WSSecurity(user, password, {passwordType: form, hasNonce: true})
            : new soap.BasicAuthSecurity(user, password));
        clients.set(wsdl, made);
    }
    return clients.get(wsdl);
}

async function answer({wsdl, operation, arguments: given}) {
    try {
        const [result] = await (await client(wsdl))[operation + 'Async'](given);
        return {result: result?.result ?? null};
    } catch (error) {
        const fault = error.root?.Envelope?.Body?.Fault;
        return fault ? {fault: fault.faultstring, code: fault.faultcode, detail: fault.detail} : {error: String(error)};
    }
}

(async () => {
    for await (const line of readline.createInterface({input: process.stdin})) {
        console.log(JSON.stringify(await answer(JSON.parse(line))));
    }
})();
