package io.stockledger.cli;

import com.google.protobuf.Descriptors.Descriptor;
import com.google.protobuf.Descriptors.FieldDescriptor;
import com.google.protobuf.Descriptors.FileDescriptor;
import com.google.protobuf.InvalidProtocolBufferException;
import com.google.protobuf.Message;
import com.google.protobuf.util.JsonFormat;
import io.stockledger.v1.AuditVerdict;
import io.stockledger.v1.Entry;
import io.stockledger.v1.GetStockRequest;
import io.stockledger.v1.Mutation;
import io.stockledger.v1.Stock;
import java.util.HashSet;
import java.util.List;
import java.util.Set;

/**
 * Messages of the contract as JSON, one object a line, with the contract's own
 * field names. Numbers and flags stand there even when they are zero or false,
 * so that a script need not guess; empty text and empty lists are left out.
 */
final class Json {
    private static final JsonFormat.Printer PRINTER = JsonFormat.printer()
            .preservingProtoFieldNames()
            .omittingInsignificantWhitespace()
            .includingDefaultValueFields(numbersAndFlags());

    private Json() {
    }

    static String line(Message message) {
        try {
            return PRINTER.print(message);
        } catch (InvalidProtocolBufferException e) {
            // Only an Any of an unknown type has no JSON, and the contract's
            // replies are printed here without one.
            throw new Failure("a reply cannot be written as JSON: " + e.getMessage(), e);
        }
    }

    private static Set<FieldDescriptor> numbersAndFlags() {
        Set<FieldDescriptor> fields = new HashSet<>();
        for (FileDescriptor file : List.of(Stock.getDescriptor().getFile(), Mutation.getDescriptor().getFile(),
                Entry.getDescriptor().getFile(), GetStockRequest.getDescriptor().getFile(),
                AuditVerdict.getDescriptor().getFile())) {
            for (Descriptor type : file.getMessageTypes()) {
                for (FieldDescriptor field : type.getFields()) {
                    boolean plain = !field.isRepeated() && !field.hasPresence();
                    switch (field.getJavaType()) {
                        case INT, LONG, BOOLEAN -> {
                            if (plain) {
                                fields.add(field);
                            }
                        }
                        case FLOAT, DOUBLE, STRING, BYTE_STRING, ENUM, MESSAGE -> {
                        }
                    }
                }
            }
        }
        return fields;
    }
}
