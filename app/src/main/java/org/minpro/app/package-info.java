@NullMarked
package org.minpro.app;

import org.jspecify.annotations.NullMarked;
