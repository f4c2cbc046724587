// Apache Axis 1.4: its WSDL2Java makes classes from published WSDLs, which are compiled and called here. A request
// of stdin, a JSON line, is a call; so is its answer.
// java -cp AXIS AxisDriver.java FOLDER USER PASSWORD
import com.google.gson.Gson;
import com.google.gson.JsonArray;
import com.google.gson.JsonElement;
import com.google.gson.JsonObject;
import com.google.gson.JsonParser;
import java.io.BufferedReader;
import java.io.ByteArrayOutputStream;
import java.io.InputStreamReader;
import java.lang.reflect.Array;
import java.lang.reflect.InvocationTargetException;
import java.lang.reflect.Method;
import java.lang.reflect.Parameter;
import java.math.BigDecimal;
import java.net.URL;
import java.net.URLClassLoader;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import javax.tools.ToolProvider;
import org.apache.axis.AxisFault;
import org.apache.axis.client.Stub;
import org.apache.axis.wsdl.toJava.Emitter;

class AxisDriver {
    private final Path folder;
    private final String user;
    private final String password;
    private final Map<String, Object> ports = new HashMap<>();

    AxisDriver(String[] arguments) {
        folder = Path.of(arguments[0]);
        user = arguments[1];
        password = arguments[2];
    }

    public static void main(String[] arguments) throws Exception {
        var driver = new AxisDriver(arguments);
        var input = new BufferedReader(new InputStreamReader(System.in));
        for (String line; (line = input.readLine()) != null;) {
            System.out.println(driver.answer(JsonParser.parseString(line).getAsJsonObject()));
            System.out.flush();
        }
    }

    private String answer(JsonObject call) {
        var reply = new HashMap<String, Object>();
        try {
            Object port = port(call.get("wsdl").getAsString());
            Object result = invoke(port, call.get("operation").getAsString(), call.getAsJsonObject("arguments"));
            reply.put("result", result == null ? null : result.toString());
        } catch (InvocationTargetException thrown) {
            if (thrown.getCause() instanceof AxisFault fault) {
                reply.put("fault", fault.getFaultString());
                reply.put("code", fault.getFaultCode().toString());
                reply.put("detail", fault.getClass().getSimpleName());  // a class of its own for a declared fault
            } else {
                reply.put("error", thrown.getCause().toString());
            }
        } catch (Exception error) {
            reply.put("error", error.toString());
        }
        return new Gson().toJson(reply);
    }

    /// The object that speaks to a WSDL's service, of classes that WSDL2Java made.
    private Object port(String wsdl) throws Exception {
        if (ports.containsKey(wsdl)) return ports.get(wsdl);
        Path home = folder.resolve("service" + ports.size());
        var emitter = new Emitter();
        emitter.setOutputDir(home.toString());
        emitter.run(wsdl);
        List<String> options = new ArrayList<>(List.of("-nowarn", "-Xlint:none", "-proc:none", "-parameters"));
        var classes = new ArrayList<String>();
        try (var files = Files.walk(home)) {
            files.filter(file -> file.toString().endsWith(".java")).forEach(file -> {
                options.add(file.toString());
                classes.add(home.relativize(file).toString().replaceAll("\\.java$", "").replace('/', '.'));
            });
        }
        options.addAll(List.of("-classpath", System.getProperty("java.class.path")));
        var notes = new ByteArrayOutputStream();
        var compiler = ToolProvider.getSystemJavaCompiler();
        if (compiler.run(null, notes, notes, options.toArray(String[]::new)) != 0) {
            throw new IllegalStateException("the classes of " + wsdl + " do not compile: " + notes);
        }
        var loader = new URLClassLoader(new URL[] {home.toUri().toURL()}, getClass().getClassLoader());
        Thread.currentThread().setContextClassLoader(loader);
        String locator = classes.stream().filter(name -> name.endsWith("Locator")).findFirst().orElseThrow();
        Object service = loader.loadClass(locator).getDeclaredConstructor().newInstance();
        for (Method method : service.getClass().getMethods()) {
            boolean remote = java.rmi.Remote.class.isAssignableFrom(method.getReturnType());
            if (!remote || method.getParameterCount() != 0) continue;
            var port = (Stub) method.invoke(service);
            port.setUsername(user);
            port.setPassword(password);
            ports.put(wsdl, port);
            return port;
        }
        throw new IllegalStateException("no port in " + wsdl);
    }

    private static Object invoke(Object port, String operation, JsonObject arguments) throws Exception {
        for (Method method : port.getClass().getMethods()) {
            if (!method.getName().equals(operation)) continue;
            Parameter[] parameters = method.getParameters();
            Object[] values = new Object[parameters.length];
            for (int i = 0; i < parameters.length; ++i) {
                values[i] = value(arguments.get(parameters[i].getName()), parameters[i].getType());
            }
            return method.invoke(port, values);
        }
        throw new NoSuchMethodException(operation);
    }

    /// A JSON value as a Java type that WSDL2Java uses.
    private static Object value(JsonElement json, Class<?> type) throws Exception {
        if (json == null) return type == boolean.class ? (Object) false : type.isPrimitive() ? (Object) 0 : null;
        if (type.isArray()) {
            var items = json.isJsonArray() ? json.getAsJsonArray() : new JsonArray();
            Object array = Array.newInstance(type.getComponentType(), items.size());
            for (int i = 0; i < items.size(); ++i) Array.set(array, i, value(items.get(i), type.getComponentType()));
            return array;
        }
        if (json.isJsonObject()) return bean(json.getAsJsonObject(), type);
        String text = json.getAsString();
        if (type == String.class) return text;
        if (type == BigDecimal.class) return new BigDecimal(text);
        if (type == int.class || type == Integer.class) return Integer.valueOf(text);
        if (type == long.class || type == Long.class) return Long.valueOf(text);
        if (type == boolean.class || type == Boolean.class) return Boolean.valueOf(text);
        if (type == org.apache.axis.types.URI.class) return new org.apache.axis.types.URI(text);
        if (type == java.util.Calendar.class) {
            var time = java.util.Calendar.getInstance();
            time.setTimeInMillis(java.time.Instant.parse(text).toEpochMilli());
            return time;
        }
        return type.getMethod("fromString", String.class).invoke(null, text);  // an enumeration
    }

    private static Object bean(JsonObject json, Class<?> type) throws Exception {
        Object made = type.getDeclaredConstructor().newInstance();
        for (var member : json.entrySet()) {
            String setter = "set" + Character.toUpperCase(member.getKey().charAt(0)) + member.getKey().substring(1);
            for (Method method : type.getMethods()) {
                if (!method.getName().equals(setter) || method.getParameterCount() != 1) continue;
                method.invoke(made, value(member.getValue(), method.getParameterTypes()[0]));
            }
        }
        return made;
    }
}
