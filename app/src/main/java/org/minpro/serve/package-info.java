/** An HTTP server that lets others ask a model, in the protocol of OpenAI. */
@NullMarked
package org.minpro.serve;

import org.jspecify.annotations.NullMarked;
