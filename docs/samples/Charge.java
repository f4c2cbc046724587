// Charges an account with Apache Axis 1 (Debian: libaxis-java; its jars lie in /usr/share/java).
//
//     java -cp "$JARS" Charge.java URL USER PASSWORD ADDRESS AMOUNT REFERENCE
// where JARS is axis.jar, jaxrpc.jar, saaj.jar, wsdl4j.jar, commons-discovery.jar and commons-logging.jar.
//
// Without generated classes: the request is a body element, which is what a document/literal service takes.
// From the WSDL, java -cp "$JARS" org.apache.axis.wsdl.WSDL2Java URL makes classes instead.

import java.io.ByteArrayInputStream;
import java.nio.charset.StandardCharsets;
import org.apache.axis.AxisFault;
import org.apache.axis.client.Call;
import org.apache.axis.client.Service;
import org.apache.axis.message.SOAPBodyElement;

public class Charge {
    static String escape(String text) {
        return text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;");
    }

    public static void main(String[] arguments) throws Exception {
        String url = arguments[0], address = arguments[3], amount = arguments[4], reference = arguments[5];
        String request = "<pay:chargeAmount xmlns:pay="
            + "\"http://www.csapi.org/schema/parlayx/payment/amount_charging/v2_1/local\">"
            + "<pay:endUserIdentifier>" + escape(address) + "</pay:endUserIdentifier>"
            + "<pay:charge><description>a song</description><currency>EUR</currency>"
            + "<amount>" + escape(amount) + "</amount></pay:charge>"
            + "<pay:referenceCode>" + escape(reference) + "</pay:referenceCode></pay:chargeAmount>";

        Call call = (Call) new Service().createCall();
        call.setTargetEndpointAddress(url + "/ParlayX/v2_1/AmountCharging");
        call.setUsername(arguments[1]);
        call.setPassword(arguments[2]);
        call.setTimeout(30_000);
        try {
            // Repeating this after a time-out is safe: a reference is charged once.
            call.invoke(new Object[] {new SOAPBodyElement(
                new ByteArrayInputStream(request.getBytes(StandardCharsets.UTF_8)))});
            System.out.println("charged");
        } catch (AxisFault fault) {
            System.err.println("not charged: " + fault.getFaultString());
            System.exit(1);
        }
    }
}
